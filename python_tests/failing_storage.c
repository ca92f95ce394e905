/* Preloaded into a program, it makes one call fail that changes a file, as a full or broken disk does: the one that the
 * variable FAILING_CALL counts to. Without the variable, it writes to the file COUNT_CALLS how many there were. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long n_calls;

static int fails(void)
{
    const char *failing = getenv("FAILING_CALL");
    long n = atomic_fetch_add(&n_calls, 1) + 1;

    if (!failing || n != atol(failing))
        return 0;
    errno = n % 2 ? ENOSPC : EIO;
    return 1;
}

static int is_file(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void *bytes, size_t n)
{
    return is_file(fd) && fails() ? -1 : REAL(write)(fd, bytes, n);
}

ssize_t writev(int fd, const struct iovec *parts, int n)
{
    return is_file(fd) && fails() ? -1 : REAL(writev)(fd, parts, n);
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at)
{
    return fails() ? -1 : REAL(pwrite)(fd, bytes, n, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t at)
{
    return fails() ? -1 : REAL(pwrite64)(fd, bytes, n, at);
}

int ftruncate(int fd, off_t size) { return fails() ? -1 : REAL(ftruncate)(fd, size); }
int ftruncate64(int fd, off64_t size) { return fails() ? -1 : REAL(ftruncate64)(fd, size); }
int fsync(int fd) { return fails() ? -1 : REAL(fsync)(fd); }
int rename(const char *from, const char *to) { return fails() ? -1 : REAL(rename)(from, to); }

__attribute__((destructor)) static void tell(void)
{
    const char *path = getenv("COUNT_CALLS");
    FILE *file = path ? fopen(path, "w") : NULL;

    if (file) {
        fprintf(file, "%ld\n", n_calls);
        fclose(file);
    }
}
