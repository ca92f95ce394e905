"""Files that several processes have open together, under MPI. A call that only some of them make, and HDF5 needs
of all, hangs."""

import h5py
import numpy as np
import pytest
import views
from support import run_mpi
from views import expected, make

READ = """
import sys
import h5py
import numpy as np
from mpi4py import MPI

path, mode, expected = sys.argv[1:]
comm = MPI.COMM_WORLD
with h5py.File(path, mode, driver="mpio", comm=comm) as file:
    view = file["processed"]
    frames = np.load(expected)
    # Rank 0 reads none, rank 1 some, rank 2 all.
    for t in range(len(frames) * comm.rank // 2):
        assert np.array_equal(view[t], frames[t], equal_nan=True), (comm.rank, t)
if comm.reduce(len(frames) * comm.rank // 2) is not None:
    print("all have read")
"""


@pytest.mark.parametrize(
    "mode, place",
    [
        ("r", "same file"),
        ("r", "external links"),
        ("r", "virtual"),
        # Nothing but the driver can read what was just written, and that opens virtual datasets collectively.
        ("r+", "same file"),
        ("r+", "external links"),
    ],
)
def test_ranks_read_different_numbers_of_chunks_of_a_view(path, tmp_path, mpi_python, mode, place):
    make_view(path, tmp_path, place)
    np.save(tmp_path / "expected.npy", expected("AGIPD_v2", mask=views.MASK))
    output = run_mpi(READ, path, mode, tmp_path / "expected.npy", python=mpi_python)
    assert output == "all have read\n"


def make_view(path, tmp_path, place):
    """A view of two frames a chunk, whose sources are elsewhere."""
    make(path, view={"mask": "/mask", "chunks": 2})
    if place == "same file":
        return
    other = tmp_path / "other.h5"
    with h5py.File(path, "r+") as file, h5py.File(other, "w") as sources:
        for name in "raw", "calib", "mask":
            file.copy(name, sources)
            del file[name]
            if place == "external links":
                file[name] = h5py.ExternalLink(other, "/" + name)
            else:
                layout = h5py.VirtualLayout(sources[name].shape, sources[name].dtype)
                layout[...] = h5py.VirtualSource(sources[name])
                file.create_virtual_dataset(name, layout)
