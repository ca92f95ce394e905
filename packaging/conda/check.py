"""Does the HDF5 of this environment find the filter, without any variable?"""

import h5py
import numpy as np

frames = np.arange(8 * 40 * 60, dtype="<u2").reshape(8, 40, 60)
with h5py.File("check.h5", "w") as file:
    file.create_dataset("frames", data=frames, chunks=(4, 40, 60), compression=32010)
with h5py.File("check.h5") as file:
    assert np.array_equal(file["frames"][()], frames)
    assert file["frames"].id.get_storage_size() < frames.nbytes
