"""Files of the original h5h264 plugin are read, by every HDF5."""

import h5py
import pytest

from support import LEGACY, filters, run_python, same_bytes

FILES = sorted(LEGACY.glob("*.h5"))


def test_there_are_files():
    assert len(FILES) >= 8


@pytest.mark.parametrize("file_path", FILES, ids=lambda file_path: file_path.stem)
def test_the_originals_files_are_read(file_path):
    with h5py.File(file_path) as file:
        assert filters(file["h264"])[0][3].startswith(b"HDF5 H264 filter")
        assert same_bytes(file["h264"][()], file["expected"][()])
        for t in reversed(range(len(file["h264"]))):
            assert same_bytes(file["h264"][t], file["expected"][t])


def test_the_originals_files_are_read_by_the_systems_hdf5(system_python):
    script = """
        import sys, h5py
        for file_path in sys.argv[1:]:
            with h5py.File(file_path, "r") as file:
                assert file["h264"][()].tobytes() == file["expected"][()].tobytes(), file_path
        print("read", len(sys.argv) - 1)
    """
    assert run_python(script, *FILES, python=system_python) == f"read {len(FILES)}\n"


@pytest.mark.parametrize("file_path", FILES, ids=lambda file_path: file_path.stem)
def test_the_originals_files_can_be_converted(file_path, path):
    """Creation properties of the original's datasets make datasets of this filter's."""
    with h5py.File(file_path) as old, h5py.File(path, "w") as new:
        plist = old["h264"].id.get_create_plist()
        arguments = (b"frames", old["h264"].id.get_type(), old["h264"].id.get_space(), plist)
        dataset = h5py.Dataset(h5py.h5d.create(new.id, *arguments))
        dataset[...] = old["h264"][()]
        assert all(dataset.id.get_chunk_info(i).filter_mask == 0 for i in range(dataset.id.get_num_chunks()))
        assert same_bytes(dataset[()], old["expected"][()])


def test_the_originals_layout_can_be_written(path):
    """Layout 1: chunks of the original's files, coded again, look like the original's and read back."""
    with h5py.File(LEGACY / "u8.h5") as old, h5py.File(path, "w") as new:
        frames = old["expected"][()]
        height, width = frames.shape[1:]
        new.create_dataset(
            "frames",
            data=frames,
            chunks=old["h264"].chunks,
            compression=32010,
            compression_opts=(height, width, 1, 0, 1),
        )
    with h5py.File(path) as file:
        stored = file["frames"].id.read_direct_chunk((0, 0, 0))[1]
        assert stored[:8] == (10 * height * width).to_bytes(8, "little") and stored[8:12] == bytes(
            [0, 0, 0, 1]
        )
        assert same_bytes(file["frames"][()], frames)
