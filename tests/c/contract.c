/* Looks at every call of the plugin's filter function: HDF5 has to find what was returned in the buffer, and a
 * decoded chunk has to have the size of a chunk. HDF5 2.2 checks both, and gives larger buffers than HDF5 before.
 *
 *     contract PLUGIN FILE
 *
 * Prints how many calls there were, and how many of them were given a buffer larger than the bytes in it.
 */
#include "frames.h"
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_FRAMES = 10, HEIGHT = 64, WIDTH = 80, N_SAMPLES = N_FRAMES * HEIGHT * WIDTH };

static const hsize_t shape[3] = {N_FRAMES, HEIGHT, WIDTH};
/* The second leaves chunks that reach over the edges. */
static const hsize_t chunks[][3] = {{5, HEIGHT, WIDTH}, {4, 48, 33}};

static const H5Z_class2_t *plugin;
static size_t chunk_bytes;
static int n_written, n_read, n_larger, n_broken;

static size_t watched(unsigned flags, size_t n_values, const unsigned *values, size_t n_bytes, size_t *buf_size,
                      void **buf)
{
    int reading = (flags & H5Z_FLAG_REVERSE) != 0;

    n_written += !reading;
    n_read += reading;
    n_larger += *buf_size > n_bytes;
    size_t n = plugin->filter(flags, n_values, values, n_bytes, buf_size, buf);
    if (n == 0 || n > *buf_size || *buf == NULL || (reading && n != chunk_bytes)) {
        printf("%zu bytes became %zu in a buffer of %zu\n", n_bytes, n, *buf_size);
        n_broken++;
    }
    return n;
}

/* Writes and reads samples, and copies the dataset, for which HDF5 uses its buffers again. */
static int use(hid_t file, const char *name, const hsize_t *chunk, const uint16_t *samples)
{
    static uint16_t found[N_SAMPLES];
    char copy[64];
    hid_t space = H5Screate_simple(3, shape, NULL), dcpl = H5Pcreate(H5P_DATASET_CREATE);

    chunk_bytes = chunk[0] * chunk[1] * chunk[2] * sizeof *samples;
    H5Pset_chunk(dcpl, 3, chunk);
    H5Pset_filter(dcpl, 32010, H5Z_FLAG_MANDATORY, 0, NULL);
    hid_t dataset = H5Dcreate2(file, name, H5T_STD_U16LE, space, H5P_DEFAULT, dcpl, H5P_DEFAULT);
    if (dataset < 0 || H5Dwrite(dataset, H5T_NATIVE_UINT16, H5S_ALL, H5S_ALL, H5P_DEFAULT, samples) < 0 ||
        H5Dclose(dataset) < 0)
        return -1;
    snprintf(copy, sizeof copy, "copy of %s", name);
    if (H5Ocopy(file, name, file, copy, H5P_DEFAULT, H5P_DEFAULT) < 0)
        return -1;
    dataset = H5Dopen2(file, copy, H5P_DEFAULT);
    memset(found, 0, sizeof found);
    if (H5Dread(dataset, H5T_NATIVE_UINT16, H5S_ALL, H5S_ALL, H5P_DEFAULT, found) < 0 ||
        memcmp(samples, found, sizeof found) != 0)
        return -1;
    H5Pclose(dcpl);
    H5Sclose(space);
    return H5Dclose(dataset);
}

int main(int argc, char **argv)
{
    static int32_t frames[N_SAMPLES];
    static uint16_t samples[3][N_SAMPLES];
    static H5Z_class2_t class;
    void *library = argc == 3 ? dlopen(argv[1], RTLD_NOW) : NULL;
    const void *(*plugin_info)(void) = NULL;

    if (library)
        *(void **)&plugin_info = dlsym(library, "H5PLget_plugin_info");
    if (!plugin_info)
        return EXIT_FAILURE;
    plugin = plugin_info();
    class = *plugin;
    class.filter = watched;
    /* A picture, one that takes more bytes when it is stored than before, and one that takes next to none. */
    fill_frames(frames, shape);
    uint32_t state = 1;
    for (int i = 0; i < N_SAMPLES; i++) {
        samples[0][i] = (uint16_t)frames[i];
        state = state * 1664525u + 1013904223u;
        samples[1][i] = (uint16_t)(state >> 16);
        samples[2][i] = 7;
    }
    hid_t file = H5Fcreate(argv[2], H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    if (H5Zregister(&class) < 0 || file < 0)
        return EXIT_FAILURE;
    for (int i = 0; i < 6; i++) {
        char name[] = {'0' + (char)i, 0};
        if (use(file, name, chunks[i % 2], samples[i / 2]) < 0) {
            printf("dataset %d is not what was written\n", i);
            return EXIT_FAILURE;
        }
    }
    printf("%d chunks written, %d read, %d in larger buffers\n", n_written, n_read, n_larger);
    return H5Fclose(file) < 0 || n_broken ? EXIT_FAILURE : EXIT_SUCCESS;
}
