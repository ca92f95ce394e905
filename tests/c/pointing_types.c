/* Writes and reads elements that lead to data elsewhere: strings of variable length, and references of HDF5 1.12's
 * kind. Since version 2.1, HDF5 calls set_local for them.
 *
 *     pointing_types FILE_OF_STRINGS FILE_OF_REFERENCES
 *
 * Prints for each what was asked for, whether the filter is mandatory now, how many options are stored, and the
 * filter mask of the first chunk.
 */
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 100 };

static const hsize_t n = N, chunk = 50;

/* 1 if HDF5 refuses the dataset, which is then not there. */
static int use(hid_t file, const char *name, hid_t type, unsigned flag, const void *elements, void *found)
{
    hid_t space = H5Screate_simple(1, &n, NULL), dcpl = H5Pcreate(H5P_DATASET_CREATE);

    H5Pset_chunk(dcpl, 1, &chunk);
    H5Pset_filter(dcpl, 32010, flag, 0, NULL);
    hid_t dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, dcpl, H5P_DEFAULT);
    H5Pclose(dcpl);
    H5Sclose(space);
    printf("%s, %s: ", name, flag == H5Z_FLAG_MANDATORY ? "mandatory" : "optional");
    if (dataset < 0) {
        printf("refused\n");
        return 1;
    }
    if (H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, elements) < 0 || H5Dclose(dataset) < 0)
        return -1;
    dataset = H5Dopen2(file, name, H5P_DEFAULT);
    unsigned stored_flag = 0, mask = 0;
    size_t n_values = 0;
    hsize_t offset, n_bytes;
    dcpl = H5Dget_create_plist(dataset);
    space = H5Dget_space(dataset);
    if (H5Pget_filter_by_id2(dcpl, 32010, &stored_flag, &n_values, NULL, 0, NULL, NULL) < 0 ||
        H5Dget_chunk_info(dataset, space, 0, &offset, &mask, NULL, &n_bytes) < 0 ||
        H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, found) < 0)
        return -1;
    H5Sclose(space);
    printf("%s, %zu options, mask %u\n", stored_flag & H5Z_FLAG_OPTIONAL ? "optional" : "mandatory", n_values, mask);
    H5Pclose(dcpl);
    return H5Dclose(dataset);
}

static int use_strings(hid_t file, const char *name, unsigned flag)
{
    char texts[N][16], *elements[N], *found[N];
    hid_t type = H5Tcopy(H5T_C_S1);

    H5Tset_size(type, H5T_VARIABLE);
    for (int i = 0; i < N; i++) {
        snprintf(texts[i], sizeof texts[i], "text %d", i);
        elements[i] = texts[i];
    }
    int status = use(file, name, type, flag, elements, found);
    for (int i = 0; status == 0 && i < N; i++)
        if (strcmp(found[i], texts[i]) != 0)
            return -1;
    return status;
}

static int use_references(hid_t file, const char *name, unsigned flag)
{
#if H5_VERSION_GE(1, 12, 0)
    H5R_ref_t elements[N], found[N];

    for (int i = 0; i < N; i++)
        if (H5Rcreate_object(file, i % 2 ? "odd" : "even", H5P_DEFAULT, &elements[i]) < 0)
            return -1;
    int status = use(file, name, H5T_STD_REF, flag, elements, found);
    for (int i = 0; status == 0 && i < N; i++)
        if (H5Requal(&found[i], &elements[i]) <= 0 || H5Requal(&found[i], &elements[N - 1 - i]) != 0)
            return -1;
    return status;
#else
    (void)file, (void)name, (void)flag;
    return 0;
#endif
}

int main(int argc, char **argv)
{
    hid_t file;

    if (argc != 3)
        return EXIT_FAILURE;
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    file = H5Fcreate(argv[1], H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    if (use_strings(file, "strings", H5Z_FLAG_OPTIONAL) < 0 ||
        use_strings(file, "other strings", H5Z_FLAG_MANDATORY) < 0 || H5Fclose(file) < 0)
        goto failed;
    /* A file of its own: programs of HDF5 1.10 stop at what they do not know. */
    file = H5Fcreate(argv[2], H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    for (int i = 0; i < 2; i++)
        H5Gclose(H5Gcreate2(file, i ? "odd" : "even", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    if (use_references(file, "references", H5Z_FLAG_OPTIONAL) < 0 ||
        use_references(file, "other references", H5Z_FLAG_MANDATORY) < 0 || H5Fclose(file) < 0)
        goto failed;
    return EXIT_SUCCESS;
failed:
    H5Eprint2(H5E_DEFAULT, stdout);
    return EXIT_FAILURE;
}
