"""An h5py with HDF5 2.2, which scripts/build-hdf5 makes, writes and reads what others do.

scripts/test also runs some of the other tests with it.
"""

import os

import h5py
import numpy as np
import pytest
from support import FILTER_ID, MAGIC, TESTS, check_stored, movie, run_python, same_bytes, stored_chunks

H5PY = TESTS.parent / ".hdf5" / "python"

# Of each kind of data, in chunks of a part of it.
WRITE = """
    import sys, h5py, numpy as np
    from support import FILTER_ID, check_stored, create, movie, noise

    version, path = sys.argv[1:]
    assert h5py.version.hdf5_version.startswith(version), h5py.version.hdf5_version
    record = np.dtype([("n", "u1"), ("text", h5py.string_dtype())])
    with h5py.File(path, "w", libver=("earliest", "v110")) as file:
        # A picture, noise, which takes more room than it had, and one value.
        for name, frames in [("u2", movie((7, 64, 80), "<u2")), ("f4", movie((7, 64, 80), ">f4"))]:
            create(file, frames, chunks=(3, 50, 80), name=name)
        create(file, noise((7, 64, 80), "u1"), chunks=(3, 64, 80), name="noise")
        create(file, np.full((7, 64, 80), 9), chunks=(3, 64, 80), name="constant")
        create(file, np.arange(10.0), name="line", shuffle=True, fletcher32=True)
        file.create_dataset("strings", (9,), h5py.string_dtype(), chunks=(4,), compression=FILTER_ID)
        file["strings"][...] = [f"text {i}" for i in range(9)]
        file.create_dataset("sequences", (9,), h5py.vlen_dtype("i4"), chunks=(4,), compression=FILTER_ID)
        for i in range(9):
            file["sequences"][i] = list(range(i))
        file.create_dataset("references", (9,), h5py.ref_dtype, chunks=(4,), compression=FILTER_ID)
        file["references"][...] = np.array([file["u2"].ref] * 9, h5py.ref_dtype)
        file.create_dataset("records", (9,), record, chunks=(4,), compression=FILTER_ID)
        file["records"][...] = np.array([(i, f"text {i}") for i in range(9)], record)
        file.flush()
        for dataset in file.values():
            if dataset.name != "/line":
                check_stored(dataset)
"""

READ = """
    import sys, h5py, numpy as np
    from support import movie, noise, same_bytes

    with h5py.File(sys.argv[1], "r+") as file:
        assert same_bytes(file["u2"][()], movie((7, 64, 80), "<u2"))
        assert same_bytes(file["f4"][()], movie((7, 64, 80), ">f4"))
        assert same_bytes(file["noise"][()], noise((7, 64, 80), "u1"))
        assert (file["constant"][()] == 9).all() and (file["line"][()] == np.arange(10)).all()
        assert list(file["strings"].asstr()) == [f"text {i}" for i in range(9)]
        assert [list(numbers) for numbers in file["sequences"]] == [list(range(i)) for i in range(9)]
        assert all(file[reference] == file["u2"] for reference in file["references"])
        assert [(n, text.decode()) for n, text in file["records"]] == [(i, f"text {i}") for i in range(9)]
        # And writes to it.
        h5py.h5z.filter_avail(32010)
        file["u2"][2] = 5
        file["strings"][3] = "another"
    with h5py.File(sys.argv[1]) as file:
        assert (file["u2"][2] == 5).all() and file["strings"].asstr()[3] == "another"
"""


@pytest.fixture
def new():
    """Runs a script with HDF5 2.2."""
    if not (H5PY / "built-by").is_file():
        pytest.skip("no h5py for HDF5 2.2 (scripts/build-hdf5)")
    return lambda *arguments: run_python(*arguments, PYTHONPATH=os.pathsep.join([str(TESTS), str(H5PY)]))


def test_others_read_what_it_writes(new, path, system_python):
    for reader in {}, {"python": system_python}:
        new(WRITE, "2.2.", path)
        run_python(READ, path, **reader)
        # HDF5 before 2.1 keeps the filter optional for these.
        with h5py.File(path) as file:
            for name in "strings", "sequences":
                [(number, flags, _, _)] = [file[name].id.get_create_plist().get_filter(0)]
                assert (number, flags) == (FILTER_ID, h5py.h5z.FLAG_MANDATORY)
                assert all(mask == 0 and stored.startswith(MAGIC) for _, mask, stored in stored_chunks(file[name]))


def test_it_reads_what_others_write(new, path, system_python):
    run_python(WRITE, h5py.version.hdf5_version, path)
    new(READ, path)
    run_python(WRITE, "1.", path, python=system_python)
    new(READ, path)


def test_reading_frame_by_frame_and_threads(new, path):
    script = """
        import sys, h5py
        from concurrent.futures import ThreadPoolExecutor
        from support import check_stored, create, movie, same_bytes

        frames = movie((40, 64, 80), "<u2")
        with h5py.File(sys.argv[1], "w") as file:
            check_stored(create(file, frames, chunks=(10, 64, 80)))
        with h5py.File(sys.argv[1], rdcc_nbytes=0) as file, ThreadPoolExecutor(4) as pool:
            assert all(pool.map(lambda i: same_bytes(file["frames"][i], frames[i]), range(40)))
    """
    new(script, path)
    with h5py.File(path) as file:
        assert check_stored(file["frames"]) < file["frames"].nbytes / 2
        assert same_bytes(file["frames"][()], movie((40, 64, 80), np.dtype("<u2")))
