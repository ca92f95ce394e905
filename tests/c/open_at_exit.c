/* Leaves a file open with chunks that have not been filtered yet: HDF5 does that in its atexit
 * handler, when the plugin's threads and sessions must still be there.
 *
 *     open_at_exit FILE
 */
#include "frames.h"
#include <stdlib.h>

int main(int argc, char **argv)
{
    hsize_t shape[] = {8, 64, 64}, chunk[] = {4, 64, 64};
    hid_t file = H5Fcreate(argc > 1 ? argv[1] : "open.h5", H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t dcpl = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(dcpl, 3, chunk);
    H5Pset_filter(dcpl, 32010, H5Z_FLAG_MANDATORY, 0, NULL);
    hid_t dataset = H5Dcreate2(file, "frames", H5T_STD_U16LE, H5Screate_simple(3, shape, NULL), H5P_DEFAULT,
                               dcpl, H5P_DEFAULT);
    int32_t *samples = malloc(8 * 64 * 64 * sizeof *samples);
    fill_frames(samples, shape);
    if (H5Dwrite(dataset, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, samples) < 0)
        return EXIT_FAILURE;
    free(samples);
    /* Both chunks fit HDF5's chunk cache, so none of them has met the filter yet. */
    return EXIT_SUCCESS;
}
