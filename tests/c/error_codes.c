/* Passes a wrong option to the filter, in a program that uses HDF5's error codes itself: the linker
 * then puts those variables of libhdf5 into the program. */
#include <hdf5.h>
#include <stdio.h>

int main(void)
{
    hsize_t shape[] = {4, 64, 80};
    unsigned values[] = {0, 0, 0, 77};
    hid_t dcpl = H5Pcreate(H5P_DATASET_CREATE);
    hid_t space = H5Screate_simple(3, shape, NULL);
    hid_t file = H5Fcreate("error_codes.h5", H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);

    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    H5Pset_chunk(dcpl, 3, shape);
    H5Pset_filter(dcpl, 32010, H5Z_FLAG_MANDATORY, 4, values);
    H5Dcreate2(file, "wrong", H5T_STD_U16LE, space, H5P_DEFAULT, dcpl, H5P_DEFAULT);
    H5Epush2(H5E_DEFAULT, __FILE__, __func__, __LINE__, H5E_ERR_CLS, H5E_PLINE, H5E_BADVALUE, "its own");
    H5Eprint2(H5E_DEFAULT, stdout);
    return 0;
}
