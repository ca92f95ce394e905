/* Lets the first, the second, ... allocation of the plugin (its own, and those of FFmpeg and x264 in it) fail while a
 * chunk is encoded or decoded, each in a process of its own; then every allocation from the first, the second, ... on.
 * Or each start of a thread. Nothing may end the process or give wrong bytes, and with memory again all works.
 *
 *     failing_allocations PLUGIN allocations|threads TYPE FRAMES HEIGHT WIDTH
 *
 * TYPE is u8, u16 or f32, or l16 for labels. Prints how many allocations there were, and what came of their failing.
 */
#define _GNU_SOURCE
#include "frames.h"
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

enum mode { NOTHING, ONE_ALLOCATION, ALLOCATIONS_FROM, ONE_THREAD };

static atomic_int mode, limit, n_calls;
static uintptr_t plugin_start, plugin_end;

static int fails(enum mode one, const void *caller)
{
    enum mode now = (enum mode)mode;

    if (now == NOTHING || (uintptr_t)caller < plugin_start || (uintptr_t)caller >= plugin_end)
        return 0;
    if (now == one)
        return atomic_fetch_add(&n_calls, 1) == limit;
    return now == ALLOCATIONS_FROM && one == ONE_ALLOCATION && atomic_fetch_add(&n_calls, 1) >= limit;
}

#define ALLOCATION_FAILS() (fails(ONE_ALLOCATION, __builtin_return_address(0)) && (errno = ENOMEM))

void *malloc(size_t n) { return ALLOCATION_FAILS() ? NULL : __libc_malloc(n); }
void *calloc(size_t n, size_t size) { return ALLOCATION_FAILS() ? NULL : __libc_calloc(n, size); }
void *realloc(void *old, size_t n) { return ALLOCATION_FAILS() ? NULL : __libc_realloc(old, n); }
void *memalign(size_t alignment, size_t n) { return ALLOCATION_FAILS() ? NULL : __libc_memalign(alignment, n); }
void *aligned_alloc(size_t alignment, size_t n) { return ALLOCATION_FAILS() ? NULL : __libc_memalign(alignment, n); }

int posix_memalign(void **pointer, size_t alignment, size_t n)
{
    if (ALLOCATION_FAILS())
        return ENOMEM;
    return (*pointer = __libc_memalign(alignment, n)) ? 0 : ENOMEM;
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument)
{
    static int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

    if (fails(ONE_THREAD, __builtin_return_address(0)))
        return EAGAIN;
    if (!create)
        *(void **)&create = dlsym(RTLD_NEXT, "pthread_create");
    return create(thread, attributes, start, argument);
}

static int find_plugin(struct dl_phdr_info *info, size_t size, void *address)
{
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        uintptr_t start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr, end = start + info->dlpi_phdr[i].p_memsz;
        if ((info->dlpi_phdr[i].p_flags & PF_X) && (uintptr_t)address >= start && (uintptr_t)address < end) {
            plugin_start = start;
            plugin_end = end;
        }
    }
    return 0;
}

static const H5Z_class2_t *plugin;
static unsigned values[32];
static size_t n_values = 32;
static unsigned char *chunk;
static size_t chunk_bytes;

/* What the filter makes of `n` bytes, as HDF5 calls it; NULL if it fails, which must leave the bytes as they are. */
static unsigned char *filtered(unsigned flags, const unsigned char *bytes, size_t *n)
{
    size_t buf_size = *n + 1000;
    void *buf = __libc_malloc(buf_size);

    memcpy(buf, bytes, *n);
    size_t made = plugin->filter(flags, n_values, values, *n, &buf_size, &buf);
    if (made > 0) {
        *n = made;
        return buf;
    }
    if (memcmp(buf, bytes, *n) != 0)
        _exit(10);
    free(buf);
    return NULL;
}

/* Both directions, without failures; ends the process where they don't give the chunk. */
static void check(const unsigned char *stored, size_t n_stored)
{
    unsigned char *decoded = filtered(H5Z_FLAG_REVERSE, stored, &n_stored);

    if (!decoded || n_stored != chunk_bytes || memcmp(decoded, chunk, chunk_bytes) != 0)
        _exit(11);
    free(decoded);
}

/* In a process of its own: 0 when the chunk came, 1 when there was an error; 2 more when nothing was there to fail. */
static void attempt(enum mode what, int n, int reading)
{
    /* Rust's standard library takes what it keeps of a thread from malloc itself, and can't do without. */
    if (what != ONE_THREAD)
        setenv("H5H264_THREADS", "1", 1);
    size_t n_bytes = chunk_bytes, n_decoded;
    unsigned char *stored = reading ? filtered(0, chunk, &n_bytes) : NULL;

    limit = n;
    mode = what;
    unsigned char *result;
    if (reading) {
        n_decoded = n_bytes;
        result = filtered(H5Z_FLAG_REVERSE, stored, &n_decoded);
    } else {
        result = filtered(0, chunk, &n_bytes);
    }
    mode = NOTHING;
    int was_reached = n_calls > n;
    if (result && reading && (n_decoded != chunk_bytes || memcmp(result, chunk, chunk_bytes) != 0))
        _exit(12);
    if (result && !reading)
        check(result, n_bytes);
    /* And the process is as good as before. */
    n_bytes = chunk_bytes;
    unsigned char *again = filtered(0, chunk, &n_bytes);
    if (!again)
        _exit(13);
    check(again, n_bytes);
    _exit(!result + 2 * !was_reached);
}

static int try_all(enum mode what, int reading, const char *name)
{
    int n_tries = 0, n_errors = 0;

    for (;; n_tries++) {
        int status;
        fflush(stdout);
        pid_t child = fork();
        if (child == 0)
            attempt(what, n_tries, reading);
        if (child < 0 || waitpid(child, &status, 0) != child)
            return -1;
        if (!WIFEXITED(status) || WEXITSTATUS(status) > 3) {
            printf("%s %d while %s: status %#x\n", name, n_tries + 1, reading ? "reading" : "writing", status);
            return -1;
        }
        n_errors += WEXITSTATUS(status) & 1;
        if (WEXITSTATUS(status) & 2)
            break;
    }
    printf("%s, %s: %d failed, %d of them were errors\n", name, reading ? "reading" : "writing", n_tries, n_errors);
    return n_tries;
}

int main(int argc, char **argv)
{
    if (argc != 7)
        return EXIT_FAILURE;
    int threads = strcmp(argv[2], "threads") == 0;
    void *library = dlopen(argv[1], RTLD_NOW);
    const void *(*plugin_info)(void) = NULL;
    if (library)
        *(void **)&plugin_info = dlsym(library, "H5PLget_plugin_info");
    if (!plugin_info)
        return EXIT_FAILURE;
    dl_iterate_phdr(find_plugin, *(void **)&plugin_info);
    plugin = plugin_info();

    hsize_t shape[3] = {strtoull(argv[4], NULL, 10), strtoull(argv[5], NULL, 10), strtoull(argv[6], NULL, 10)};
    size_t n_samples = shape[0] * shape[1] * shape[2];
    int32_t *frames = malloc(n_samples * sizeof *frames);
    fill_frames(frames, shape);
    const char kind = argv[3][0];
    size_t sample_bytes = strtoull(argv[3] + 1, NULL, 10) / 8;
    chunk_bytes = n_samples * sample_bytes;
    chunk = malloc(chunk_bytes);
    for (size_t i = 0; i < n_samples; i++) {
        uint32_t value = kind == 'l' ? i / 7 % 5 * 1000 : (uint32_t)frames[i] * (sample_bytes > 1 ? 77 : 1);
        float real = (float)value / 3;
        memcpy(chunk + i * sample_bytes, kind == 'f' ? (void *)&real : (void *)&value, sample_bytes);
    }
    hid_t type = kind == 'f' ? H5T_IEEE_F32LE : sample_bytes == 1 ? H5T_STD_U8LE : H5T_STD_U16LE;

    /* The values that are stored with such a dataset. */
    hid_t fapl = H5Pcreate(H5P_FILE_ACCESS), dcpl = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_fapl_core(fapl, 1 << 20, 0);
    H5Pset_chunk(dcpl, 3, shape);
    hid_t file = H5Fcreate("none", H5F_ACC_TRUNC, H5P_DEFAULT, fapl);
    if (H5Zregister(plugin) < 0 || H5Pset_filter(dcpl, 32010, H5Z_FLAG_MANDATORY, 0, NULL) < 0)
        return EXIT_FAILURE;
    hid_t dataset = H5Dcreate2(file, "x", type, H5Screate_simple(3, shape, NULL), H5P_DEFAULT, dcpl, H5P_DEFAULT);
    unsigned flags;
    if (H5Pget_filter_by_id2(H5Dget_create_plist(dataset), 32010, &flags, &n_values, values, 0, NULL, NULL) < 0)
        return EXIT_FAILURE;

    for (int reading = 0; reading < 2; reading++)
        if (threads ? try_all(ONE_THREAD, reading, "one thread") <= 0
                    : try_all(ONE_ALLOCATION, reading, "one allocation") <= 0 ||
                          try_all(ALLOCATIONS_FROM, reading, "all allocations from one on") <= 0)
            return EXIT_FAILURE;
    return EXIT_SUCCESS;
}
