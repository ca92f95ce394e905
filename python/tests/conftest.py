"""The tests of the package, as it is installed. `support` is that of the filter's own tests."""

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.append(str(ROOT / "python_tests"))


def pytest_configure(config):
    assert "HDF5_PLUGIN_PATH" not in os.environ, "the package does without"
    for name in list(os.environ):
        if name.startswith("H5H264_") and name not in ("H5H264_WHEEL", "H5H264_GLIBC"):
            del os.environ[name]
    import h5h264

    installed = Path(h5h264.__file__).resolve()
    assert ROOT / "python" not in installed.parents, f"{installed} is not an installed package"


@pytest.fixture
def path(tmp_path):
    """Where a test's HDF5 file is to be."""
    return tmp_path / "test.h5"
