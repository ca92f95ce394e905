"""Several libhdf5 use the plugin: one after the other, and in one process. The wheels of h5py,
PyTables and netCDF4 bring one each, of different versions; an id made by one means nothing to
another, so each has to be served, and told of errors, with its own functions."""

import os

import h5py
import numpy as np
import pytest

from support import TESTS, check_stored, movie, run_python, same_bytes, write

DTYPES = ["u1", "<u2", ">i4", "<f4", ">f8", "c8", "?", "S5"]

WRITE = """
    import sys, h5py
    from support import check_stored, movie, noise, write

    with h5py.File(sys.argv[1], "w") as file:
        for dtype in sys.argv[2:]:
            frames = noise((5, 30, 40), "V5").view("S5") if dtype == "S5" else movie((5, 30, 40), dtype)
            if dtype == ">f8":
                # Not all versions of NumPy have the same sines.
                frames = (movie((5, 30, 40), "<u2") / 7).astype(dtype)
            dataset = file.create_dataset(dtype, data=frames, chunks=(2, 30, 40), compression=32010)
            check_stored(dataset)
            file["expected " + dtype] = frames
"""

READ = """
    import sys, h5py
    with h5py.File(sys.argv[1], "r") as file:
        for dtype in sys.argv[2:]:
            assert file[dtype][()].tobytes() == file["expected " + dtype][()].tobytes(), dtype
    print("read", len(sys.argv) - 2)
"""


def test_the_systems_hdf5_reads_what_the_wheels_wrote(path, system_python):
    run_python(WRITE, path, *DTYPES)
    assert run_python(READ, path, *DTYPES, python=system_python) == f"read {len(DTYPES)}\n"


def test_the_wheels_hdf5_reads_what_the_systems_wrote(path, system_python):
    run_python(WRITE, path, *DTYPES, python=system_python)
    assert run_python(READ, path, *DTYPES) == f"read {len(DTYPES)}\n"


def test_both_store_the_same(path, tmp_path, system_python):
    run_python(WRITE, path, *DTYPES)
    run_python(WRITE, tmp_path / "system.h5", *DTYPES, python=system_python)
    with h5py.File(path) as ours, h5py.File(tmp_path / "system.h5") as systems:
        for dtype in DTYPES:
            for i in range(3):
                offset = (2 * i, 0, 0)
                assert ours[dtype].id.read_direct_chunk(offset) == systems[dtype].id.read_direct_chunk(offset)


def test_the_systems_h5py_raises_our_sentences(path, system_python):
    frame = movie((32, 40), "<u2")
    write(path, frame)
    with h5py.File(path, "a") as file:
        stored = file["frames"].id.read_direct_chunk((0, 0))[1]
        file["frames"].id.write_direct_chunk((0, 0), stored[:-1])
    script = """
        import sys, h5py
        with h5py.File(sys.argv[1], "a") as file:
            for action in [
                lambda: file["frames"][()],
                lambda: file.create_dataset("a", (4, 4), "u1", compression=32010, compression_opts=(5, 5, 1)),
            ]:
                try:
                    action()
                except (OSError, ValueError, TypeError) as error:
                    print(error)
            assert list(file) == ["frames"]
    """
    errors = run_python(script, path, python=system_python).splitlines()
    assert "h5h264: damaged chunk: " in errors[0]
    assert "h5h264: frames of height 5 × width 5 × 1 bytes do not fit the chunk of 16 bytes" in errors[1]


# Three libraries in one process.
IMPORT = """
    import sys, warnings, h5py, netCDF4, tables
    import numpy as np
    from support import check_stored, movie, same_bytes, stored_chunks
    # PyTables does not know attributes that netCDF needs.
    warnings.simplefilter("ignore", tables.exceptions.DataTypeWarning)
    path = sys.argv[1]
    frames = movie((6, 50, 60), "<u2")
"""


@pytest.fixture
def netcdf_path(path):
    """A dataset that is a netCDF variable too."""
    frames = movie((6, 50, 60), "<u2")
    with h5py.File(path, "w", track_order=True) as file:
        dataset = file.create_dataset("frames", data=frames, chunks=(2, 50, 60), compression=32010)
        for i, name in enumerate("tyx"):
            file[name] = np.arange(frames.shape[i])
            file[name].make_scale(name)
            dataset.dims[i].attach_scale(file[name])
    return path


def test_three_libraries_in_one_process_write_and_read(netcdf_path):
    script = (
        IMPORT
        + """
    def read_all(expected):
        with h5py.File(path, "r") as file:
            check_stored(file["frames"])
            assert same_bytes(file["frames"][()], expected)
        with tables.open_file(path) as file:
            assert same_bytes(file.root.frames[:], expected)
        with netCDF4.Dataset(path) as file:
            file.set_auto_mask(False)
            assert same_bytes(file["frames"][:], expected)

    read_all(frames)
    for i in range(3):
        with tables.open_file(path, "a") as file:
            file.root.frames[:] = frames + i
        read_all(frames + i)
        with netCDF4.Dataset(path, "a") as file:
            file["frames"][:] = frames[::-1] + i
        read_all(frames[::-1] + i)
        with h5py.File(path, "a") as file:
            file["frames"][:] = frames // 2 + i
        read_all(frames // 2 + i)
    print("done")
    """
    )
    assert run_python(script, netcdf_path) == "done\n"


def test_three_libraries_in_one_process_read_views(path):
    script = (
        IMPORT
        + """
    import calib
    with h5py.File(path, "w") as file:
        file.create_dataset("raw", data=frames, chunks=(2, 50, 60), compression=32010)
        file["calib"] = np.full((2, 50, 60), [[[5]], [[7]]], "f4")
        calib.create_processed(file, frames.shape, chunks=3)
    expected = frames.astype("f4") - np.array([5, 7] * 3, "f4")[:, None, None]
    for _ in range(2):
        with h5py.File(path) as file, tables.open_file(path) as table, netCDF4.Dataset(path) as netcdf:
            netcdf.set_auto_mask(False)
            for i in range(6):
                assert same_bytes(file["processed"][i], expected[i])
                assert same_bytes(table.root.processed[i], expected[i])
                assert same_bytes(netcdf["processed"][i], expected[i])
    print("done")
    """
    )
    folders = os.pathsep.join([str(TESTS), str(TESTS.parent / "python" / "h5h264")])
    assert run_python(script, path, PYTHONPATH=folders) == "done\n"


def test_each_library_raises_its_own_error(netcdf_path):
    with h5py.File(netcdf_path, "a") as file:
        stored = file["frames"].id.read_direct_chunk((0, 0, 0))[1]
        file["frames"].id.write_direct_chunk((0, 0, 0), stored[:100])
    script = (
        IMPORT
        + """
    def read_h5py():
        with h5py.File(path, "r") as file:
            file["frames"][0]

    def read_tables():
        with tables.open_file(path) as file:
            # For slices, PyTables throws HDF5's error stack away before it looks at it.
            file.root.frames.read()

    def read_netcdf():
        with netCDF4.Dataset(path) as file:
            file["frames"][0]

    def sentence(read, error):
        try:
            read()
        except error as raised:
            return str(raised)

    for _ in range(2):
        assert "its 100 stored bytes do not have the checksum" in sentence(read_h5py, OSError)
        assert "its 100 stored bytes do not have the checksum" in sentence(read_tables, tables.HDF5ExtError)
        # netCDF keeps the reason to itself.
        assert "HDF error" in sentence(read_netcdf, RuntimeError)
    with h5py.File(path, "r") as file:
        assert same_bytes(file["frames"][2:], frames[2:])
    print("done")
    """
    )
    assert run_python(script, netcdf_path) == "done\n"


def test_each_library_gets_refusals_on_its_own_error_stack(path):
    """Creates datasets through the C functions of every libhdf5 in the process in turn."""
    script = (
        IMPORT
        + """
    from ctypes import *

    class Error(Structure):
        _fields_ = [("cls", c_int64), ("major", c_int64), ("minor", c_int64), ("line", c_uint),
                    ("function", c_char_p), ("file", c_char_p), ("description", c_char_p)]

    Walk = CFUNCTYPE(c_int, c_uint, POINTER(Error), c_void_p)

    def messages(hdf5):
        found = []
        walk = Walk(lambda n, error, _: found.append(error.contents.description.decode()) or 0)
        hdf5.H5Ewalk2(c_int64(0), 0, walk, None)
        return found

    def create(hdf5, file, name, options):
        def id_of(variable):
            return c_int64.in_dll(hdf5, variable)
        shape = (c_uint64 * 3)(4, 30, 40)
        plist = c_int64(hdf5.H5Pcreate(id_of("H5P_CLS_DATASET_CREATE_ID_g")))
        assert hdf5.H5Pset_chunk(plist, 3, shape) >= 0
        values = (c_uint * len(options))(*options)
        assert hdf5.H5Pset_filter(plist, 32010, 1, c_size_t(len(options)), values) >= 0
        space = c_int64(hdf5.H5Screate_simple(3, shape, None))
        return hdf5.H5Dcreate2(file, name, id_of("H5T_STD_U16LE_g"), space, c_int64(0), plist, c_int64(0))

    with open("/proc/self/maps") as maps:
        names = {line.split()[-1] for line in maps if "libhdf5-" in line or "libhdf5.so" in line}
    assert len(names) == 3, names
    libraries = [CDLL(name) for name in sorted(names)]
    versions = set()
    for hdf5 in libraries:
        for function in ("H5Fcreate", "H5Pcreate", "H5Screate_simple", "H5Dcreate2"):
            getattr(hdf5, function).restype = c_int64
        version = [c_uint(), c_uint(), c_uint()]
        hdf5.H5get_libversion(*map(byref, version))
        versions.add(tuple(n.value for n in version))
        hdf5.H5Eset_auto2(c_int64(0), None, None)
    assert len(versions) > 1, versions
    files = [
        c_int64(hdf5.H5Fcreate(f"{path}.{i}".encode(), 2, c_int64(0), c_int64(0)))
        for i, hdf5 in enumerate(libraries)
    ]
    for name in (b"first", b"second"):
        for hdf5, file in zip(libraries, files):
            assert create(hdf5, file, name + b" refused", (30, 41, 2)) < 0
            assert "height 30 × width 41 × 2 bytes do not fit" in " ".join(messages(hdf5))
            # The other libraries have not heard of it.
            assert not any(messages(other) for other in libraries if other is not hdf5)
            assert create(hdf5, file, name, (0, 0, 0, 5)) >= 0
    for hdf5, file in zip(libraries, files):
        assert hdf5.H5close() >= 0
    """
    )
    # The files are looked at from here, since H5close ends the library's life in that process.
    run_python(script, path)
    for i in range(3):
        with h5py.File(f"{path}.{i}", "a") as file:
            assert list(file) == ["first", "second"]
            for dataset in file.values():
                dataset[...] = movie((4, 30, 40), "<u2")
                check_stored(dataset)
                assert same_bytes(dataset[()], movie((4, 30, 40), "<u2"))
