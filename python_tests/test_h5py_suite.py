"""h5py's own tests pass with this filter forced on every dataset that can have it.

They come with the h5py wheel, and know nothing of the filter; forced_filter.py adds it.
"""

import json
import os
import subprocess
import sys

import h5py.tests

from support import TESTS

# What can't pass, because it is about how a dataset is stored and not about what is in it.
KNOWS_OWN_FILTERS_ONLY = "create_dataset_like knows h5py's own filters only"
EXPECTS_NO_CHUNKS = "asserts that the dataset is not chunked"
EXPECTS_OFFSET = "asks for the offset of contiguous data"
EXPECTS_FULL_SIZE = "expects stored chunks of the chunk's size"
EXPECTS_NO_CACHE = "expects data to be written at once; HDF5 crashes after this, with gzip too"
ABOUT_STORAGE = {
    "test_dataset.py::TestCreateLike::test_maxshape": KNOWS_OWN_FILTERS_ONLY,
    "test_dataset.py::TestCreateLike::test_no_chunks": EXPECTS_NO_CHUNKS,
    "test_dataset.py::TestCreateLike::test_track_times": KNOWS_OWN_FILTERS_ONLY,
    "test_dataset.py::TestResize::test_resize_nonchunked": EXPECTS_NO_CHUNKS,
    "test_file2.py::TestFileObj::test_exception_write": EXPECTS_NO_CACHE,
    "test_file_alignment.py::TestFileAlignment::test_alignment_set_above_threshold": EXPECTS_OFFSET,
    "test_file_alignment.py::TestFileAlignment::test_alignment_set_below_threshold": EXPECTS_OFFSET,
    "test_file_alignment.py::TestFileAlignment::test_no_alignment_set": EXPECTS_OFFSET,
    "test_h5d_direct_chunk.py::TestReadDirectChunkToOut::test_fail_buffer_too_small": EXPECTS_FULL_SIZE,
    "test_h5d_direct_chunk.py::TestReadDirectChunkToOut::test_uncompressed_data": EXPECTS_FULL_SIZE,
}

# No datasets in these, and they are slow.
IGNORED = ("test_h5pl.py", "test_h5z.py")


def run(folder, *arguments, force):
    report = folder / "report.json"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "forced_filter",
        "-W",
        "ignore",
    ]
    environment = {
        **os.environ,
        "PYTHONPATH": str(TESTS),
        "FORCED_FILTER": str(int(force)),
        "FORCED_FILTER_REPORT": str(report),
    }
    suite = os.path.dirname(h5py.tests.__file__)
    result = subprocess.run(
        [*command, "--rootdir", suite, *arguments], cwd=suite, env=environment, capture_output=True, text=True
    )
    assert result.returncode in (0, 1), result.stdout + result.stderr
    return json.loads(report.read_text()), result.stdout


def test_h5pys_own_tests_pass_with_the_filter_forced_on(tmp_path):
    deselected = [f"--deselect={name}" for name in ABOUT_STORAGE]
    ignored = [f"--ignore={name}" for name in IGNORED]
    forced, output = run(tmp_path, ".", *deselected, *ignored, force=True)
    assert forced["n_forced"] > 500
    assert len(forced["passed"]) > 500
    if forced["failed"]:
        # Those that fail without the filter too (for want of MPI, or run by root) say nothing about it.
        plain, _ = run(tmp_path, *forced["failed"], force=False)
        assert plain["n_forced"] == 0
        assert set(forced["failed"]) <= set(plain["failed"]), output


def test_the_tests_that_are_left_out_pass_without_the_filter(tmp_path):
    plain, output = run(tmp_path, *ABOUT_STORAGE, force=False)
    assert sorted(plain["passed"]) == sorted(ABOUT_STORAGE), output
