/* Reads a view as a C program does.
 *
 *     view compare FILE VIEW FILE DATASET     the same float32 numbers? No object stays open?
 *     view write FILE VIEW                    writing fails; the view reads as before
 *     view read FILE VIEW N                   reads it N times
 */
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static float *read_all(hid_t file, const char *name, size_t *n_bytes)
{
    hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
    hid_t space = H5Dget_space(dataset);
    *n_bytes = (size_t)H5Sget_simple_extent_npoints(space) * sizeof(float);
    float *numbers = malloc(*n_bytes);
    herr_t status = H5Dread(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers);
    H5Sclose(space);
    H5Dclose(dataset);
    if (status < 0)
        exit(EXIT_FAILURE);
    return numbers;
}

static int compare(char **argv)
{
    size_t n_bytes[2];
    hid_t files[2];
    float *numbers[2];
    for (int i = 0; i < 2; i++) {
        files[i] = H5Fopen(argv[2 + 2 * i], H5F_ACC_RDONLY, H5P_DEFAULT);
        numbers[i] = read_all(files[i], argv[3 + 2 * i], &n_bytes[i]);
        if (H5Fget_obj_count(files[i], H5F_OBJ_ALL) != 1)
            return EXIT_FAILURE;
    }
    int same = n_bytes[0] == n_bytes[1] && memcmp(numbers[0], numbers[1], n_bytes[0]) == 0;
    for (int i = 0; i < 2; i++) {
        free(numbers[i]);
        H5Fclose(files[i]);
    }
    puts(same ? "the same" : "different");
    return EXIT_SUCCESS;
}

static int write(char **argv)
{
    hid_t file = H5Fopen(argv[2], H5F_ACC_RDWR, H5P_DEFAULT);
    size_t n_bytes;
    float *before = read_all(file, argv[3], &n_bytes);
    float *pixels = calloc(1, n_bytes);
    hid_t dataset = H5Dopen2(file, argv[3], H5P_DEFAULT);
    herr_t status = H5Dwrite(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, pixels);
    H5Dclose(dataset);
    float *after = read_all(file, argv[3], &n_bytes);
    int same = memcmp(before, after, n_bytes) == 0;
    free(before);
    free(pixels);
    free(after);
    if (H5Fclose(file) < 0 || status >= 0 || !same)
        return EXIT_FAILURE;
    puts("refused");
    return EXIT_SUCCESS;
}

static int read_often(char **argv)
{
    hid_t file = H5Fopen(argv[2], H5F_ACC_RDONLY, H5P_DEFAULT);
    for (int i = 0; i < atoi(argv[4]); i++) {
        size_t n_bytes;
        free(read_all(file, argv[3], &n_bytes));
    }
    printf("%d open\n", (int)H5Fget_obj_count(file, H5F_OBJ_ALL));
    return H5Fclose(file) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    if (argc == 6 && strcmp(argv[1], "compare") == 0)
        return compare(argv);
    if (argc == 4 && strcmp(argv[1], "write") == 0)
        return write(argv);
    if (argc == 5 && strcmp(argv[1], "read") == 0)
        return read_often(argv);
    return EXIT_FAILURE;
}
