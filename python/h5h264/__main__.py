"""`python -m h5h264`: where the plugin is, versions, and whether h5py sees the filter."""

import sys

import h5py
import numpy as np

import h5h264


def main() -> int:
    # What it was registered for, and not only that something has its id.
    is_seen, why_not = try_filter()
    print(h5h264.PLUGIN_PATH)
    print(
        f"h5h264 {h5h264.__version__}, h5py {h5py.__version__} with HDF5 {h5py.version.hdf5_version}", end=""
    )
    print(f", NumPy {np.__version__}, Python {sys.version.split()[0]}")
    if not is_seen:
        print(f"h5py does not see the filter: {why_not}")
    elif h5h264._registered_on_import:
        print(f"h5py sees the filter, {h5h264.FILTER_ID}, as the package has registered it")
    else:
        print(
            f"h5py sees the filter, {h5h264.FILTER_ID}, from HDF5_PLUGIN_PATH or registered by another package"
        )
    return 0 if is_seen else 1


def try_filter() -> "tuple[bool, str]":
    frames = np.arange(2 * 32 * 32, dtype="<u2").reshape(2, 32, 32)
    try:
        with h5py.File("h5h264", "w", driver="core", backing_store=False) as file:
            dataset = file.create_dataset(
                "frames", data=frames, chunks=frames.shape, compression=h5h264.H264()
            )
            _, stored = dataset.id.read_direct_chunk((0, 0, 0))
            is_same = np.array_equal(h5h264.decode(stored, frames.dtype, frames.shape), frames)
    except (OSError, ValueError) as error:
        return False, str(error)
    return is_same, "what is stored is not what was written"


if __name__ == "__main__":
    sys.exit(main())
