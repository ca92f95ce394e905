"""Are the constants those of the file that is read, as they are now?"""

import os
import shutil
import time

import h5py
import pytest
from views import CELLS, HEIGHT, PEDESTALS, SHAPE, WIDTH, calib, expected, fill, make, replace, same


def with_constants(path, constants):
    make(path, "AGIPD_v1")
    with h5py.File(path, "r+") as file:
        file["calib"][()] = constants


def test_two_files_with_the_same_paths_keep_their_constants(tmp_path):
    for i in range(3):
        with_constants(tmp_path / f"{i}.h5", PEDESTALS + i)
    files = [h5py.File(tmp_path / f"{i}.h5") for i in range(3)]
    views = [file["processed"] for file in files]
    for _ in range(2):
        for i in (0, 1, 2, 1, 0):
            wanted = expected("AGIPD_v1", constants=(PEDESTALS + i).astype("f4"))
            assert same(views[i][()], wanted)
            assert same(files[i]["processed"][3], wanted[3])


def test_a_copy_with_other_constants_gives_its_own_frames_or_an_error(tmp_path):
    make(tmp_path / "a.h5", "AGIPD_v1")
    shutil.copy(tmp_path / "a.h5", tmp_path / "b.h5")
    with h5py.File(tmp_path / "b.h5", "r+") as file:
        file["calib"][()] = PEDESTALS + 1
    wanted = [expected("AGIPD_v1", constants=(PEDESTALS + i).astype("f4")) for i in range(2)]
    with h5py.File(tmp_path / "a.h5") as a, h5py.File(tmp_path / "b.h5") as b:
        assert same(a["processed"][()], wanted[0])
        assert same(b["processed"][()], wanted[1])
        view_a, view_b = a["processed"], b["processed"]
        for view, frames in zip((view_a, view_b), wanted):
            try:
                assert same(view[()], frames)
            except OSError as error:
                assert "a.h5" in str(error) and "b.h5" in str(error)
        del view, view_b
        assert same(view_a[()], wanted[0])


def test_identical_copies_may_both_be_open(tmp_path):
    make(tmp_path / "a.h5", "AGIPD_v1")
    shutil.copy(tmp_path / "a.h5", tmp_path / "b.h5")
    with h5py.File(tmp_path / "a.h5") as a, h5py.File(tmp_path / "b.h5") as b:
        view_a, view_b = a["processed"], b["processed"]
        assert same(view_a[()], expected("AGIPD_v1")) and same(view_b[()], expected("AGIPD_v1"))


def test_a_replaced_file_is_noticed(path):
    for i in range(4):
        with_constants(path, PEDESTALS + i)
        with h5py.File(path) as file:
            assert same(file["processed"][()], expected("AGIPD_v1", constants=(PEDESTALS + i).astype("f4")))


def with_constants_elsewhere(path):
    """A view of constants that an external link leads to, in constants.h5."""
    make(path, "AGIPD_v1", compression=None, chunks=(1, HEIGHT, WIDTH))
    with h5py.File(path, "r+") as file:
        replace(file, "calib", h5py.ExternalLink("constants.h5", "/calib"))


def put_constants(path, number):
    """Writes constants; returns the frame of image 1 that they give."""
    with h5py.File(path, "w") as file:
        file["calib"] = (PEDESTALS + number).astype("f4")
    return expected("AGIPD_v1", constants=(PEDESTALS + number).astype("f4"))[1]


@pytest.mark.skipif(not os.path.exists("/proc/self/io"), reason="this system does not count what is read")
def test_constants_in_a_file_of_their_own_are_read_once(path):
    wanted = put_constants(path.with_name("constants.h5"), 0)
    with_constants_elsewhere(path)

    def bytes_read(view):
        def so_far():
            return int(open("/proc/self/io").readline().split()[1])

        before = so_far()
        assert same(view[1], wanted)
        return so_far() - before

    with h5py.File(path) as file:
        fresh = bytes_read(file["processed"])
        time.sleep(2.1)  # Now the file can't change any more without another time.
        bytes_read(file["processed"])
        kept = bytes_read(file["processed"])
    assert fresh - kept >= 4 * HEIGHT * WIDTH
    with h5py.File(path) as file:
        bytes_read(file["processed"])
        assert bytes_read(file["processed"]) == kept


def test_constants_in_a_file_of_their_own_may_be_replaced(path):
    constants, other = path.with_name("constants.h5"), path.with_name("other.h5")
    first = put_constants(constants, 0)
    with_constants_elsewhere(path)
    time.sleep(2.1)
    with h5py.File(path) as file:
        # HDF5 keeps the chunks of an open dataset.
        assert same(file["processed"][1], first)
        for number in range(1, 4):
            wanted = put_constants(constants, number)
            assert same(file["processed"][1], wanted)
            wanted = put_constants(other, 10 + number)
            os.replace(other, constants)
            assert same(file["processed"][1], wanted)


def test_constants_that_are_elsewhere_are_never_kept(tmp_path):
    sources = [tmp_path / "virtual.h5", tmp_path / "external.bin"]

    def put(constants):
        with h5py.File(sources[0], "w") as file:
            file["c"] = constants.astype("f4")
        sources[1].write_bytes(constants.astype("f4").tobytes())

    layout = h5py.VirtualLayout(PEDESTALS.shape, "f4")
    layout[...] = h5py.VirtualSource(sources[0], "c", PEDESTALS.shape)
    put(PEDESTALS)
    with h5py.File(tmp_path / "run.h5", "w") as file:
        fill(file, "AGIPD_v1")
        file.create_virtual_dataset("virtual", layout)
        file.create_dataset("external", PEDESTALS.shape, "f4", external=str(sources[1]))
        for name in ("virtual", "external"):
            calib.create_processed(file, SHAPE, f"of {name}", calib=name, n_cells=CELLS)
    for number in range(3):
        put(PEDESTALS + number)
        wanted = expected("AGIPD_v1", constants=(PEDESTALS + number).astype("f4"))
        with h5py.File(tmp_path / "run.h5") as file:
            for name in ("of virtual", "of external"):
                assert same(file[name][()], wanted)


def test_constants_that_are_written_while_the_file_is_open_are_noticed(path):
    make(path, "AGIPD_v1")
    with h5py.File(path, "r+") as file:
        for i in range(3):
            file["calib"][()] = PEDESTALS + i
            wanted = expected("AGIPD_v1", constants=(PEDESTALS + i).astype("f4"))
            assert same(file["processed"][i], wanted[i])


@pytest.mark.parametrize("mib", ["0", "1", "99999999999999999999", "many"])
def test_the_cache_changes_nothing(path, mib, monkeypatch):
    make(path)
    monkeypatch.setenv("H5CALIB_CACHE_MIB", mib)
    with h5py.File(path) as file:
        for _ in range(2):
            assert same(file["processed"][()], expected("AGIPD_v2"))
