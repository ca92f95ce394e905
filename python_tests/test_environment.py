"""The environment variables do what docs/environment.md says. Each is looked at from outside, in a process
of its own."""

import contextlib
import os
from pathlib import Path

import h5py
import numpy as np
import pytest
import xxhash

from support import create, movie, noise, run_python, same_bytes, start_python, stored_chunks, write

# Reads the file named first; prints "equal" or what was raised.
READ = """
    import sys, h5py
    with h5py.File(sys.argv[1], "r") as file:
        try:
            equal = file["frames"][()].tobytes() == file["expected"][()].tobytes()
            print("equal" if equal else "different")
        except OSError as error:
            print(error)
"""


def with_wrong_decoded_checksum(stored):
    """Stored bytes that are whole, but for what they say about the decoded chunk."""
    rest = bytes(8) + stored[24:]
    return stored[:8] + xxhash.xxh3_64_intdigest(rest).to_bytes(8, "little") + rest


def test_verify_0_turns_the_check_of_decoded_chunks_off(path):
    frames = movie((3, 40, 60), "<u2")
    with h5py.File(path, "w") as file:
        file["expected"] = frames
        dataset = create(file, frames)
        ((offset, _, stored),) = stored_chunks(dataset)
        dataset.id.write_direct_chunk(offset, with_wrong_decoded_checksum(stored))
    assert run_python(READ, path, H5H264_VERIFY="0") == "equal\n"
    assert "do not have the checksum" in run_python(READ, path, H5H264_VERIFY="1")
    assert "do not have the checksum" in run_python(READ, path)


def test_verify_write_1_stores_the_same(path):
    frames = np.concatenate([movie((3, 40, 60), "<u2"), noise((2, 40, 60), "<u2")])
    script = """
        import h5py, sys
        from support import create, movie, noise
        import numpy as np
        frames = np.concatenate([movie((3, 40, 60), "<u2"), noise((2, 40, 60), "<u2")])
        with h5py.File(sys.argv[1], "w") as file:
            create(file, frames, chunks=(2, 40, 60))
    """
    stored = []
    for value in ("0", "1"):
        run_python(script, path, H5H264_VERIFY_WRITE=value)
        with h5py.File(path) as file:
            assert same_bytes(file["frames"][()], frames)
            stored.append(list(stored_chunks(file["frames"])))
    assert stored[0] == stored[1]


# Writes and reads frames again and again; prints how many threads there were before.
USE_THREADS = """
    import os, sys, h5py
    import numpy as np
    from support import create, movie, same_bytes
    blocks = np.arange(1024) // 32
    frames = np.add.outer(np.arange(3), np.add.outer(blocks, 3 * blocks)).astype("u1")
    if sys.argv[2] == "strips":
        frames = movie(frames.shape, "u2")
    print(len(os.listdir("/proc/self/task")), flush=True)
    for _ in range(5):
        with h5py.File(sys.argv[1], "w") as file:
            create(file, frames)
        with h5py.File(sys.argv[1], "r") as file:
            assert same_bytes(file["frames"][()], frames)
"""


# A plain movie has slices, other frames are cut into strips.
@pytest.mark.parametrize("kind", ["slices", "strips"])
def test_threads_are_limited(path, kind):
    most = {}
    for threads in (1, 2, 4):
        process = start_python(USE_THREADS, path, kind, H5H264_THREADS=str(threads))
        n_before = int(process.stdout.readline())
        tasks, seen = Path("/proc", str(process.pid), "task"), [0]
        while process.poll() is None:
            with contextlib.suppress(FileNotFoundError):
                seen.append(len(list(tasks.iterdir())))
        assert process.wait() == 0
        most[threads] = max(seen) - n_before
    assert most[1] == 0 < most[2] < most[4], most


WRITE = """
    import sys, h5py
    import numpy as np
    from support import create, movie
    with h5py.File(sys.argv[1], "w") as file:
        create(file, movie((2, 700, 900), "<u2"), name="strips")
        blocks = np.repeat(np.repeat(np.random.default_rng(0).integers(0, 250, (90, 90), "u1"), 16, 0), 16, 1)
        scroll = np.stack([blocks[150 * t :][:640, 120 * t :][:, :640] for t in range(6)])
        for n_frames in (1, 3, 6):
            for preset in (0, 2):
                create(file, scroll[:n_frames], options=(0, 0, 0, preset), name=f"{n_frames} {preset}")
"""


def test_a_file_is_the_same_with_any_number_of_threads(path):
    files = []
    for threads in ("1", "2", "3", "8"):
        run_python(WRITE, path, H5H264_THREADS=threads)
        with h5py.File(path) as file:
            files.append({name: list(stored_chunks(dataset)) for name, dataset in file.items()})
    assert len(files[0]) == 7 and all(file == files[0] for file in files)


def test_a_file_reads_the_same_with_any_number_of_threads(path):
    run_python("import sys; from support import movie, write; write(sys.argv[1], movie((2, 700, 900), '<u2'))", path)
    with h5py.File(path, "a") as file:
        file["expected"] = movie((2, 700, 900), "<u2")
    for threads in ("1", "2", "3", "64"):
        assert run_python(READ, path, H5H264_THREADS=threads) == "equal\n"


# Reads one value of a chunk of 64 MiB, twice; prints by how many MiB the process has grown.
GROW = """
    import os, sys, h5py
    def resident_mib():
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20
    with h5py.File(sys.argv[1], "r") as file:
        dataset = file["frames"]
        before = resident_mib()
        for _ in range(2):
            dataset[0, 0, 0]
        print(resident_mib() - before)
"""


def test_decoded_chunks_are_kept_within_the_limit(path):
    write(path, np.tile(movie((4, 1024, 1024), "u1"), (16, 1, 1)))
    grown = {limit: float(run_python(GROW, path, H5H264_CACHE_MIB=limit)) for limit in ("0", "63", "64")}
    assert grown["64"] > 64
    assert grown["0"] < 40 and grown["63"] < 40


def test_processes_of_a_job_share_the_memory_of_a_machine(path):
    write(path, np.tile(movie((4, 1024, 1024), "u1"), (17, 1, 1)))
    # 85 MiB for each, or 64, in which the chunk of 68 MiB has no room.
    grown = {n: float(run_python(GROW, path, OMPI_COMM_WORLD_LOCAL_SIZE=n)) for n in ("3", "4")}
    assert grown["3"] > 68 and grown["4"] < 40, grown
    assert float(run_python(GROW, path, OMPI_COMM_WORLD_LOCAL_SIZE="4", H5H264_CACHE_MIB="256")) > 68


N_THREADS = """
    import ctypes, glob, os
    (plugin,) = glob.glob(os.environ["HDF5_PLUGIN_PATH"] + "/*h5h264.*")
    library = ctypes.CDLL(plugin)
    library.h5h264_n_threads.restype = ctypes.c_size_t
    print(library.h5h264_n_threads())
"""


@pytest.mark.parametrize(
    "env, most",
    [
        ({}, os.cpu_count()),
        ({"OMPI_COMM_WORLD_LOCAL_SIZE": str(os.cpu_count())}, 1),
        ({"MPI_LOCALNRANKS": "1000"}, 1),
        ({"SLURM_STEP_TASKS_PER_NODE": "1000(x3),2"}, 1),
        ({"OMP_NUM_THREADS": "1,2"}, 1),
        ({"OMP_NUM_THREADS": "many"}, os.cpu_count()),
    ],
)
def test_processes_of_a_job_share_the_cores_of_a_machine(env, most):
    assert int(run_python(N_THREADS, **env)) == min(most, len(os.sched_getaffinity(0)))
    assert int(run_python(N_THREADS, **env, H5H264_THREADS="7")) == 7


# Reads frame after frame of a chunk that is too large for HDF5's chunk cache; prints the CPU time.
LOOP = """
    import sys, time, h5py
    with h5py.File(sys.argv[1], "r", rdcc_nbytes=2**20) as file:
        dataset = file["frames"]
        start = time.process_time()
        for t in range(len(dataset)):
            dataset[t]
        print(time.process_time() - start)
"""


def test_a_loop_over_frames_decodes_a_chunk_once(path):
    """Without the decoded chunk being kept, the loop decodes it once for each of its 16 frames."""
    write(path, movie((16, 512, 512), "<u2"))
    seconds = {limit: float(run_python(LOOP, path, H5H264_CACHE_MIB=limit)) for limit in ("0", "256")}
    assert seconds["256"] < seconds["0"] / 3, seconds


def test_values_that_make_no_sense_change_nothing(path):
    frames = movie((3, 40, 60), "<u2")
    write(path, frames)
    with h5py.File(path, "a") as file:
        file["expected"] = frames
    for value in ("", "many", "-1", "99999999999999999999"):
        names = ("H5H264_THREADS", "H5H264_CACHE_MIB", "H5H264_VERIFY", "H5H264_VERIFY_WRITE")
        assert run_python(READ, path, **dict.fromkeys(names, value)) == "equal\n"
