/* Takes a stored chunk out of a file or puts one in, past the filter pipeline.
 *
 *     stored_chunk get FILE DATASET INDEX BYTES_FILE     prints filter mask and stored bytes
 *     stored_chunk put FILE DATASET INDEX BYTES_FILE
 *
 * Chunks are counted in the order in which HDF5 has them.
 */
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int get(hid_t dataset, const hsize_t *offset, hsize_t n_bytes, const char *path)
{
    unsigned filter_mask = 0;
    unsigned char *bytes = malloc(n_bytes);

    if (H5Dread_chunk(dataset, H5P_DEFAULT, offset, &filter_mask, bytes) < 0)
        return -1;
    FILE *out = fopen(path, "wb");
    int status = out && fwrite(bytes, 1, n_bytes, out) == n_bytes && fclose(out) == 0 ? 0 : -1;
    printf("%u %llu\n", filter_mask, (unsigned long long)n_bytes);
    free(bytes);
    return status;
}

static int put(hid_t dataset, const hsize_t *offset, const char *path)
{
    FILE *in = fopen(path, "rb");
    if (!in)
        return -1;
    fseek(in, 0, SEEK_END);
    size_t n_bytes = (size_t)ftell(in);
    unsigned char *bytes = malloc(n_bytes + 1);
    rewind(in);
    int status = fread(bytes, 1, n_bytes, in) == n_bytes
                     ? H5Dwrite_chunk(dataset, H5P_DEFAULT, 0, offset, n_bytes, bytes)
                     : -1;
    fclose(in);
    free(bytes);
    return status;
}

int main(int argc, char **argv)
{
    if (argc != 6)
        return EXIT_FAILURE;
    int putting = strcmp(argv[1], "put") == 0;
    hid_t file = H5Fopen(argv[2], putting ? H5F_ACC_RDWR : H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t dataset = H5Dopen2(file, argv[3], H5P_DEFAULT);
    hid_t space = H5Dget_space(dataset);
    hsize_t offset[H5S_MAX_RANK], n_bytes;
    unsigned mask;

    if (H5Dget_chunk_info(dataset, space, strtoull(argv[4], NULL, 10), offset, &mask, NULL, &n_bytes) < 0)
        return EXIT_FAILURE;
    int status = putting ? put(dataset, offset, argv[5]) : get(dataset, offset, n_bytes, argv[5]);
    H5Sclose(space);
    if (H5Dclose(dataset) < 0 || H5Fclose(file) < 0)
        return EXIT_FAILURE;
    return status < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
