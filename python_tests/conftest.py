"""Makes the plugins known to HDF5, before any test module imports h5py.

The plugins are those in the directory that H5H264_PLUGIN_DIR names, or the release build.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

LIBRARY_NAMES = ("libh5h264.so", "libh5h264.dylib", "h5h264.dll")
ROOT = Path(__file__).resolve().parent.parent


def find_plugin():
    release_build = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"), "release")
    directory = Path(os.environ.get("H5H264_PLUGIN_DIR", release_build))
    for name in LIBRARY_NAMES:
        if (directory / name).is_file():
            return (directory / name).resolve()
    raise pytest.UsageError(f"no {' or '.join(LIBRARY_NAMES)} in {directory} (cargo build --release)")


def pytest_configure(config):
    assert "h5py" not in sys.modules, "HDF5 reads HDF5_PLUGIN_PATH when it is loaded"
    plugin = find_plugin()
    # A directory of its own: HDF5 would try every library in target/release.
    directory = tempfile.mkdtemp(prefix="h5h264-plugin-")
    shutil.copy(plugin, directory)
    shutil.copy(plugin.with_name(plugin.name.replace("h5h264", "h5calib")), directory)
    config.add_cleanup(lambda: shutil.rmtree(directory))
    os.environ["HDF5_PLUGIN_PATH"] = directory
    for name in list(os.environ):
        if name.startswith(("H5H264_", "H5CALIB_", "OMP_NUM_THREADS")):
            del os.environ[name]


@pytest.fixture
def path(tmp_path):
    """Where a test's HDF5 file is to be."""
    return tmp_path / "test.h5"


@pytest.fixture(scope="session")
def system_python():
    """A Python outside this environment that has an h5py of its own, with a libhdf5 of its own."""
    from support import find_system_python

    found = find_system_python()
    if found is None:
        pytest.fail("no second h5py (on Debian: apt install python3-h5py)")
    return found


@pytest.fixture(scope="session")
def mpi_python():
    """A Python whose h5py has MPI, when it is started by mpirun."""
    from support import find_mpi_python

    found = find_mpi_python()
    if found is None:
        pytest.fail("no h5py with MPI (on Debian: apt install python3-h5py-mpi)")
    return found
