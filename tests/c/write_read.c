/* Lossless H.264 for image sequences in HDF5: write frames, read them back, and see what a wrong
 * option gives. Nothing of the filter is linked; HDF5 loads it from the folder (or folders) in
 * HDF5_PLUGIN_PATH.
 *
 *     h5cc write_read.c -o write_read
 *     HDF5_PLUGIN_PATH=folder-of-libh5h264.so ./write_read frames.h5
 *
 * A program that contains libhdf5 statically (h5cc does so by default in some systems) and is stripped
 * has to pass height, width and bytes per sample itself, as the second dataset here does, or be linked
 * with -rdynamic.
 */
#include <hdf5.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define H5H264 32010

enum { N_FRAMES = 20, HEIGHT = 120, WIDTH = 161, FRAMES_PER_CHUNK = 10 };

typedef uint16_t frames_t[N_FRAMES][HEIGHT][WIDTH];

/* A bright spot that moves over a noisy background. */
static void fill(frames_t frames)
{
    uint32_t noise = 1;
    for (int t = 0; t < N_FRAMES; t++)
        for (int y = 0; y < HEIGHT; y++)
            for (int x = 0; x < WIDTH; x++) {
                int dy = y - 60, dx = x - 20 - 5 * t;
                noise = noise * 1664525u + 1013904223u;
                frames[t][y][x] = (uint16_t)(1000 + 40000 / (20 + dy * dy + dx * dx) + (noise >> 29));
            }
}

/* Creates a dataset of ten-frame chunks with these values for the filter; negative on failure. */
static hid_t create(hid_t file, const char *name, size_t n_values, const unsigned *values)
{
    hsize_t shape[] = {N_FRAMES, HEIGHT, WIDTH};
    hsize_t chunk[] = {FRAMES_PER_CHUNK, HEIGHT, WIDTH};
    hid_t space = H5Screate_simple(3, shape, NULL);
    hid_t dcpl = H5Pcreate(H5P_DATASET_CREATE);
    hid_t dataset = H5I_INVALID_HID;

    H5Pset_chunk(dcpl, 3, chunk);
    /* Mandatory: a chunk that can't be filtered is an error, not stored as it is. */
    if (H5Pset_filter(dcpl, H5H264, H5Z_FLAG_MANDATORY, n_values, values) >= 0)
        dataset = H5Dcreate2(file, name, H5T_NATIVE_UINT16, space, H5P_DEFAULT, dcpl, H5P_DEFAULT);
    H5Pclose(dcpl);
    H5Sclose(space);
    return dataset;
}

static int write_frames(const char *path, frames_t frames)
{
    /* Frame shape and type are those of the dataset; the preset is the fastest. */
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t inferred = create(file, "inferred", 0, NULL);

    /* The same, said explicitly: height, width, bytes per sample. A fourth value would be the
     * preset, 0 (ultrafast) to 9 (placebo): {HEIGHT, WIDTH, 2, 5}, or {0, 0, 0, 5}. */
    unsigned values[] = {HEIGHT, WIDTH, sizeof(uint16_t)};
    hid_t explicit = create(file, "explicit", 3, values);

    if (inferred < 0 || explicit < 0 ||
        H5Dwrite(inferred, H5T_NATIVE_UINT16, H5S_ALL, H5S_ALL, H5P_DEFAULT, frames) < 0 ||
        H5Dwrite(explicit, H5T_NATIVE_UINT16, H5S_ALL, H5S_ALL, H5P_DEFAULT, frames) < 0)
        return -1;
    /* Chunks are filtered when they leave HDF5's chunk cache: here at the latest. */
    return H5Dclose(inferred) < 0 || H5Dclose(explicit) < 0 || H5Fclose(file) < 0 ? -1 : 0;
}

/* Reading needs no word about the filter. */
static int read_frames(const char *path, const char *name, frames_t frames)
{
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
    int status = H5Dread(dataset, H5T_NATIVE_UINT16, H5S_ALL, H5S_ALL, H5P_DEFAULT, frames);

    if (status >= 0)
        printf("%s: %zu bytes, stored in %llu\n", name, sizeof(frames_t),
               (unsigned long long)H5Dget_storage_size(dataset));
    H5Dclose(dataset);
    H5Fclose(file);
    return status;
}

/* What can't work fails when the dataset is created, and the HDF5 error stack says why. HDF5 prints
 * the stack to stderr unless it is told otherwise. */
static int wrong_option(const char *path)
{
    unsigned values[] = {0, 0, 0, 77};
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);

    printf("A wrong option gives:\n");
    H5Eset_auto2(H5E_DEFAULT, (H5E_auto2_t)H5Eprint2, stdout);
    hid_t dataset = create(file, "wrong", 4, values);
    H5Eset_auto2(H5E_DEFAULT, (H5E_auto2_t)H5Eprint2, stderr);
    H5Fclose(file);
    return dataset < 0 ? 0 : -1;
}

int main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "frames.h5";
    uint16_t(*written)[HEIGHT][WIDTH] = malloc(sizeof(frames_t));
    uint16_t(*read)[HEIGHT][WIDTH] = calloc(1, sizeof(frames_t));
    const char *names[] = {"inferred", "explicit"};
    int failed = !written || !read;

    if (!failed) {
        fill(written);
        failed = write_frames(path, written) < 0;
    }
    for (int i = 0; i < 2 && !failed; i++) {
        failed = read_frames(path, names[i], read) < 0 || memcmp(written, read, sizeof(frames_t)) != 0;
        printf("%s: bit-exact: %s\n", names[i], failed ? "no" : "yes");
    }
    failed = failed || wrong_option(path) < 0;
    free(written);
    free(read);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
