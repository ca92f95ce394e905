/* Writes and checks datasets of known frames, with the options that a test asks for.
 *
 *     dataset [-q] write FILE NAME TYPE N_FRAMES HEIGHT WIDTH FRAMES_PER_CHUNK [filter [VALUE...]]
 *     dataset [-q] check FILE NAME
 *     dataset [-q] overwrite FILE NAME
 *
 * A failure is told on stdout: the HDF5 error stack, or with -q nothing.
 */
#include "frames.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static hid_t type_of(const char *name)
{
    struct {
        const char *name;
        hid_t type;
    } types[] = {{"u8", H5T_STD_U8LE},   {"u16", H5T_STD_U16LE}, {"u16be", H5T_STD_U16BE},
                 {"i32", H5T_STD_I32LE}, {"f32", H5T_IEEE_F32LE}, {"f64", H5T_IEEE_F64LE}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].name, name) == 0)
            return types[i].type;
    return H5I_INVALID_HID;
}

static int write_dataset(int argc, char **argv)
{
    const char *path = argv[0], *name = argv[1], *type = argv[2];
    hsize_t shape[3], chunk[3];
    unsigned values[64];
    int n_values = argc - 8;

    for (int i = 0; i < 3; i++)
        shape[i] = chunk[i] = strtoull(argv[3 + i], NULL, 10);
    chunk[0] = strtoull(argv[6], NULL, 10);
    for (int i = 0; i < n_values && i < 64; i++)
        values[i] = (unsigned)strtoul(argv[8 + i], NULL, 10);

    hid_t dcpl = H5Pcreate(H5P_DATASET_CREATE);
    if (H5Pset_chunk(dcpl, 3, chunk) < 0 ||
        (n_values >= 0 && H5Pset_filter(dcpl, 32010, H5Z_FLAG_MANDATORY, n_values, values) < 0))
        return -1;
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t space = H5Screate_simple(3, shape, NULL);
    hid_t dataset = H5Dcreate2(file, name, type_of(type), space, H5P_DEFAULT, dcpl, H5P_DEFAULT);
    if (dataset < 0)
        return -1;
    int32_t *samples = malloc(shape[0] * shape[1] * shape[2] * sizeof *samples);
    fill_frames(samples, shape);
    int status = H5Dwrite(dataset, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, samples);
    free(samples);
    if (status < 0 || H5Dclose(dataset) < 0)
        return -1;
    H5Sclose(space);
    H5Pclose(dcpl);
    return H5Fclose(file);
}

static int check_dataset(char **argv)
{
    hid_t file = H5Fopen(argv[0], H5F_ACC_RDONLY, H5P_DEFAULT);
    hid_t dataset = H5Dopen2(file, argv[1], H5P_DEFAULT);
    hid_t space = H5Dget_space(dataset);
    hsize_t shape[3];

    if (H5Sget_simple_extent_dims(space, shape, NULL) != 3)
        return -1;
    size_t n_bytes = shape[0] * shape[1] * shape[2] * sizeof(int32_t);
    int32_t *expected = malloc(n_bytes), *found = calloc(1, n_bytes);
    fill_frames(expected, shape);
    int status = H5Dread(dataset, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, found);
    int equal = memcmp(expected, found, n_bytes) == 0;
    free(expected);
    free(found);
    if (status < 0)
        return -1;
    H5Sclose(space);
    H5Dclose(dataset);
    H5Fclose(file);
    if (!equal)
        printf("the samples are others\n");
    return equal ? 0 : -1;
}

/* The same frames, to a dataset that exists. */
static int overwrite_dataset(char **argv)
{
    hid_t file = H5Fopen(argv[0], H5F_ACC_RDWR, H5P_DEFAULT);
    hid_t dataset = H5Dopen2(file, argv[1], H5P_DEFAULT);
    hid_t space = H5Dget_space(dataset);
    hsize_t shape[3];

    if (H5Sget_simple_extent_dims(space, shape, NULL) != 3)
        return -1;
    int32_t *samples = malloc(shape[0] * shape[1] * shape[2] * sizeof *samples);
    fill_frames(samples, shape);
    int status = H5Dwrite(dataset, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, samples);
    free(samples);
    if (status < 0)
        return -1;
    H5Sclose(space);
    return H5Dclose(dataset) < 0 || H5Fclose(file) < 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
    int quiet = argc > 1 && strcmp(argv[1], "-q") == 0;
    int status = -1;

    argc -= 2 + quiet;
    argv += 2 + quiet;
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    if (argc >= 7 && strcmp(argv[-1], "write") == 0)
        status = write_dataset(argc, argv);
    else if (argc == 2 && strcmp(argv[-1], "check") == 0)
        status = check_dataset(argv);
    else if (argc == 2 && strcmp(argv[-1], "overwrite") == 0)
        status = overwrite_dataset(argv);
    else
        fprintf(stderr, "the arguments are described in dataset.c\n");
    if (status < 0 && !quiet)
        H5Eprint2(H5E_DEFAULT, stdout);
    return status < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
