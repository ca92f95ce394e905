"""What the tests share: writing through the filter, looking at what was stored, subprocesses."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import h5py
import numpy as np

FILTER_ID = 32010
MAGIC = b"\x89H5H264"
# A stored chunk is never larger than the chunk by more than this.
MAX_OVERHEAD_BYTES = 64

TESTS = Path(__file__).resolve().parent
PROGRAM = Path(os.environ.get("CARGO_BIN_EXE_h5h264", TESTS.parent / "crates/cli/target/release/h5h264"))
LEGACY = TESTS.parent / "tests" / "data" / "legacy"


def movie(shape, dtype, seed=0):
    """A smooth pattern that moves from frame to frame, with a little noise, in any dtype."""
    dtype = np.dtype(dtype)
    axes = np.ogrid[tuple(slice(n) for n in shape)]
    frame = sum(axes[:-2], np.zeros(1))
    y = axes[-2] if len(shape) > 1 else 0
    waves = np.sin((axes[-1] + 2 * frame) / 9) + np.cos((y + frame) / 7)
    noise = np.random.default_rng(seed).normal(0, 0.01, shape)
    values = np.broadcast_to(waves + noise, shape)
    if dtype.kind in "iu":
        # A few thousand values at most, around the middle of the range.
        limits = np.iinfo(dtype)
        middle = 0 if limits.min < 0 else 2 ** (min(limits.bits, 16) - 1)
        return np.rint(values * min(limits.max // 4, 1000) + middle).astype(dtype)
    if dtype.kind == "b":
        return (values > 0).astype(dtype)
    if dtype.kind == "c":
        return (values + 1j * values[..., ::-1]).astype(dtype)
    return values.astype(dtype)


def noise(shape, dtype, seed=0):
    """Random bytes, as values of a dtype."""
    dtype = np.dtype(dtype)
    n_bytes = int(np.prod(shape)) * dtype.itemsize
    return np.frombuffer(np.random.default_rng(seed).bytes(n_bytes), dtype).reshape(shape)


def create(file, array, chunks=None, options=None, name="frames", **kwargs):
    """A new dataset with this filter, of one chunk if nothing else is said."""
    return file.create_dataset(
        name,
        data=array,
        chunks=chunks or array.shape,
        compression=FILTER_ID,
        compression_opts=options,
        **kwargs,
    )


def write(path, array, **kwargs):
    """A file with one dataset, `frames`."""
    with h5py.File(path, "w") as file:
        create(file, array, **kwargs)


def stored_chunks(dataset):
    """(offset, filter mask, stored bytes) of every chunk."""
    for i in range(dataset.id.get_num_chunks()):
        offset = dataset.id.get_chunk_info(i).chunk_offset
        yield offset, *dataset.id.read_direct_chunk(offset)


def chunk_bytes(dataset):
    return int(np.prod(dataset.chunks)) * dataset.id.get_type().get_size()


def check_stored(dataset):
    """Asserts that the filter was at work, since one that is left out reads back as well. Returns
    the stored bytes of all chunks together."""
    n_bytes = 0
    for offset, mask, stored in stored_chunks(dataset):
        assert mask == 0, f"the filter was left out for the chunk at {offset}"
        assert stored.startswith(MAGIC), f"{stored[:16]} at {offset}"
        assert len(stored) <= chunk_bytes(dataset) + MAX_OVERHEAD_BYTES
        n_bytes += len(stored)
    assert n_bytes > 0, "nothing was stored"
    return n_bytes


def same_bytes(a, b):
    def bytes_of(array):
        return np.ascontiguousarray(array).reshape(-1).view("u1")

    return a.dtype == b.dtype and a.shape == b.shape and np.array_equal(bytes_of(a), bytes_of(b))


def round_trip(path, array, **kwargs):
    """Writes, reads with the file opened anew, compares byte for byte. Returns the stored bytes."""
    write(path, array, **kwargs)
    with h5py.File(path) as file:
        n_bytes = check_stored(file["frames"])
        assert same_bytes(file["frames"][()], array)
    return n_bytes


def filters(dataset):
    """The filter pipeline: (id, flags, cd_values, name) of each."""
    plist = dataset.id.get_create_plist()
    return [plist.get_filter(i) for i in range(plist.get_nfilters())]


def python_path(python):
    """Where a Python finds what the tests share, and the h5py that this process has been told to use."""
    own = os.environ.get("PYTHONPATH") if python == sys.executable else None
    return os.pathsep.join([str(TESTS), *filter(None, [own])])


def start_python(script, *args, python=sys.executable, **env):
    """Starts a script in a process of its own."""
    return subprocess.Popen(
        [str(python), "-c", textwrap.dedent(script), *map(str, args)],
        env={**os.environ, "PYTHONPATH": python_path(python), **env},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_python(script, *args, python=sys.executable, timeout=120, **env):
    """What a script prints in a process of its own. It must succeed, and be silent on stderr."""
    process = start_python(script, *args, python=python, **env)
    try:
        output, errors = process.communicate(timeout=timeout)
    finally:
        process.kill()
    assert process.returncode == 0 and errors == "", output + errors
    return output


def run_mpi(script, *args, python, n=3, timeout=60, **env):
    """What a script prints in `n` processes together, under MPI; an error if it hangs."""
    command = ["mpirun", "--allow-run-as-root", "--oversubscribe", "-n", str(n)]
    # mpi4py ends all processes when one has an exception.
    command += [str(python), "-m", "mpi4py", "-c"]
    process = subprocess.Popen(
        [*command, textwrap.dedent(script), *map(str, args)],
        env={**os.environ, "PYTHONPATH": str(TESTS), **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        output, _ = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        # mpirun takes its processes along.
        process.terminate()
        output, _ = process.communicate()
        raise AssertionError(f"no end after {timeout} s: {output}") from None
    assert process.returncode == 0, output
    return output


def find_system_python():
    """A python3 on the PATH with another h5py than ours."""
    script = "import h5py, sys; sys.exit(h5py.__file__ == sys.argv[1])"
    return find_python(script, h5py.__file__)


def find_mpi_python():
    """A python3 on the PATH with an h5py that has MPI. Debian's has it in processes that mpirun starts."""
    return find_python("import h5py, mpi4py, sys; sys.exit(not h5py.get_config().mpi)", H5PY_ALWAYS_USE_MPI="1")


def find_python(script, *args, **env):
    """The first python3 on the PATH in which a script ends with 0."""
    for directory in [*os.environ["PATH"].split(os.pathsep), "/usr/bin"]:
        candidate = Path(directory) / "python3"
        if not candidate.is_file():
            continue
        # -E: without the folders of another Python's packages.
        command = [str(candidate), "-E", "-c", script, *args]
        if subprocess.run(command, env={**os.environ, **env}, capture_output=True).returncode == 0:
            return candidate
    return None
