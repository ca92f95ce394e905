/* Lossless H.264 for image sequences in parallel HDF5: processes write their frames to one dataset together,
 * and read as many as each of them likes.
 *
 *     h5pcc parallel.c -o parallel
 *     HDF5_PLUGIN_PATH=folder-of-libh5h264.so mpirun -n 3 ./parallel frames.h5
 */
#include "frames.h"
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define H5H264 32010

enum { N_FRAMES = 30, HEIGHT = 64, WIDTH = 80, FRAMES_PER_CHUNK = 4, FRAME = HEIGHT * WIDTH };

static hid_t create(hid_t file)
{
    hsize_t shape[] = {N_FRAMES, HEIGHT, WIDTH};
    hsize_t chunk[] = {FRAMES_PER_CHUNK, HEIGHT, WIDTH};
    hid_t space = H5Screate_simple(3, shape, NULL);
    hid_t dcpl = H5Pcreate(H5P_DATASET_CREATE);
    hid_t dataset = H5I_INVALID_HID;

    H5Pset_chunk(dcpl, 3, chunk);
    if (H5Pset_filter(dcpl, H5H264, H5Z_FLAG_MANDATORY, 0, NULL) >= 0)
        dataset = H5Dcreate2(file, "frames", H5T_STD_U16LE, space, H5P_DEFAULT, dcpl, H5P_DEFAULT);
    H5Pclose(dcpl);
    H5Sclose(space);
    return dataset;
}

/* Reads or writes n frames. To write is collective: HDF5 collects what processes have of the same chunk, and one
 * of them encodes it. A process without frames takes part with nothing selected. To read is for each alone. */
static int transfer(hid_t dataset, int writing, hsize_t start, hsize_t n, uint16_t *frames)
{
    hsize_t offset[] = {start, 0, 0}, count[] = {n, HEIGHT, WIDTH}, one[] = {1, 1, 1};
    hid_t in_file = H5Dget_space(dataset);
    hid_t in_memory = H5Screate_simple(3, n ? count : one, NULL);
    hid_t properties = H5Pcreate(H5P_DATASET_XFER);
    int status;

    if (n) {
        H5Sselect_hyperslab(in_file, H5S_SELECT_SET, offset, NULL, count, NULL);
    } else {
        H5Sselect_none(in_file);
        H5Sselect_none(in_memory);
    }
    if (writing) {
        H5Pset_dxpl_mpio(properties, H5FD_MPIO_COLLECTIVE);
        /* The type of the dataset: HDF5 does not convert what is filtered and written collectively. */
        status = H5Dwrite(dataset, H5T_STD_U16LE, in_memory, in_file, properties, frames);
    } else {
        status = H5Dread(dataset, H5T_STD_U16LE, in_memory, in_file, properties, frames);
    }
    H5Pclose(properties);
    H5Sclose(in_memory);
    H5Sclose(in_file);
    return status;
}

static hid_t open_together(const char *path, int creating)
{
    hid_t properties = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_fapl_mpio(properties, MPI_COMM_WORLD, MPI_INFO_NULL);
    hid_t file = creating ? H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, properties)
                          : H5Fopen(path, H5F_ACC_RDONLY, properties);
    H5Pclose(properties);
    return file;
}

int main(int argc, char **argv)
{
    int rank, size;
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    if (argc != 2)
        MPI_Abort(MPI_COMM_WORLD, 2);

    hsize_t shape[] = {N_FRAMES, HEIGHT, WIDTH};
    int32_t *samples = malloc(sizeof(int32_t) * N_FRAMES * FRAME);
    uint16_t *frames = malloc(sizeof(uint16_t) * N_FRAMES * FRAME);
    uint16_t *found = malloc(sizeof(uint16_t) * N_FRAMES * FRAME);
    fill_frames(samples, shape);
    for (size_t i = 0; i < N_FRAMES * FRAME; i++)
        frames[i] = (uint16_t)samples[i];

    /* All processes but the second have frames; where their parts meet, they share a chunk. */
    int n_writers = size > 1 ? size - 1 : 1, writer = rank > 1 ? rank - 1 : rank;
    hsize_t start = N_FRAMES * writer / n_writers;
    hsize_t n = rank == 1 ? 0 : N_FRAMES * (writer + 1) / n_writers - start;
    hid_t file = open_together(argv[1], 1);
    hid_t dataset = create(file);
    int failed = dataset < 0 || transfer(dataset, 1, start, n, frames + start * FRAME) < 0;
    failed |= H5Dclose(dataset) < 0 || H5Fclose(file) < 0;

    /* The first reads nothing, the last everything. */
    hsize_t n_read = size > 1 ? N_FRAMES * rank / (size - 1) : N_FRAMES;
    file = open_together(argv[1], 0);
    dataset = H5Dopen2(file, "frames", H5P_DEFAULT);
    failed |= n_read > 0 && transfer(dataset, 0, 0, n_read, found) < 0;
    failed |= memcmp(found, frames, sizeof(uint16_t) * n_read * FRAME) != 0;
    failed |= H5Dclose(dataset) < 0 || H5Fclose(file) < 0;

    int any_failed;
    MPI_Reduce(&failed, &any_failed, 1, MPI_INT, MPI_LOR, 0, MPI_COMM_WORLD);
    if (rank == 0)
        printf("%d processes: bit-exact: %s\n", size, any_failed ? "no" : "yes");
    free(samples);
    free(frames);
    free(found);
    MPI_Finalize();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
