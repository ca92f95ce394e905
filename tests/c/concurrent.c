/* Calls the plugin's filter function from several threads at once, as HDF5 does from version 2.3
 * on, and compares what comes back with what one thread got before.
 *
 *     concurrent PLUGIN
 */
#include "frames.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_THREADS = 8, N_ROUNDS = 12, N_JOBS = 5 };

/* A chunk, how it is described to the filter, and what it is stored as. */
typedef struct {
    unsigned values[4]; /* height, width, bytes per sample, preset */
    size_t n_bytes, n_stored;
    unsigned char *chunk, *stored;
} job_t;

static const H5Z_class2_t *h5h264;
static job_t jobs[N_JOBS] = {
    {{64, 64, 1, 0}, 6 * 64 * 64, 0, NULL, NULL},  {{33, 57, 2, 0}, 5 * 33 * 57 * 2, 0, NULL, NULL},
    {{64, 64, 1, 3}, 6 * 64 * 64, 0, NULL, NULL},  {{16, 200, 4, 1}, 4 * 16 * 200 * 4, 0, NULL, NULL},
    {{512, 512, 1, 0}, 2 * 512 * 512, 0, NULL, NULL},
};

/* Runs the filter on a copy of `bytes`, as HDF5 does; the result is malloc'ed. */
static unsigned char *run(const job_t *job, unsigned flags, const unsigned char *bytes, size_t *n_bytes)
{
    size_t buf_size = *n_bytes + 100;
    void *buf = malloc(buf_size);
    memcpy(buf, bytes, *n_bytes);
    *n_bytes = h5h264->filter(flags, 4, job->values, *n_bytes, &buf_size, &buf);
    return buf;
}

/* Whether the job gives the stored bytes it gave before, and they give the chunk again. */
static int is_same(const job_t *job)
{
    size_t n_stored = job->n_bytes;
    unsigned char *stored = run(job, 0, job->chunk, &n_stored);
    size_t n_bytes = n_stored;
    unsigned char *chunk = run(job, H5Z_FLAG_REVERSE, stored, &n_bytes);
    int same = n_stored == job->n_stored && memcmp(stored, job->stored, n_stored) == 0 &&
               n_bytes == job->n_bytes && memcmp(chunk, job->chunk, n_bytes) == 0;
    free(stored);
    free(chunk);
    return same;
}

static void *work(void *first)
{
    for (size_t i = 0; i < N_ROUNDS; i++)
        if (!is_same(&jobs[((size_t)first + i) % N_JOBS]))
            return first;
    return NULL;
}

int main(int argc, char **argv)
{
    void *plugin = argc > 1 ? dlopen(argv[1], RTLD_NOW) : NULL;
    if (!plugin) {
        fprintf(stderr, "%s\n", argc > 1 ? dlerror() : "which plugin?");
        return EXIT_FAILURE;
    }
    const void *(*info)(void) = (const void *(*)(void))dlsym(plugin, "H5PLget_plugin_info");
    h5h264 = info();

    for (int i = 0; i < N_JOBS; i++) {
        job_t *job = &jobs[i];
        job->chunk = malloc(job->n_bytes);
        for (size_t k = 0; k < job->n_bytes; k++)
            job->chunk[k] = (unsigned char)sample_at(i, k / 64, k % 64);
        job->n_stored = job->n_bytes;
        job->stored = run(job, 0, job->chunk, &job->n_stored);
        if (job->n_stored == 0 || job->n_stored >= job->n_bytes || !is_same(job)) {
            fprintf(stderr, "job %d: %zu bytes became %zu\n", i, job->n_bytes, job->n_stored);
            return EXIT_FAILURE;
        }
    }

    pthread_t threads[N_THREADS];
    int n_wrong = 0;
    /* From 1, because 0 would be null. */
    for (size_t i = 0; i < N_THREADS; i++)
        pthread_create(&threads[i], NULL, work, (void *)(i + 1));
    for (int i = 0; i < N_THREADS; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        n_wrong += wrong != NULL;
    }
    for (int i = 0; i < N_JOBS; i++) {
        free(jobs[i].chunk);
        free(jobs[i].stored);
    }
    printf("%d of %d threads got something else\n", n_wrong, N_THREADS);
    return n_wrong == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
