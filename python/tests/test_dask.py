"""Frames that workers encode and decode: of dask, and of pools of processes."""

import concurrent.futures
import multiprocessing
import pickle
from collections import Counter

import dask
import dask.array
import h5h264
import h5h264.dask
import h5py
import numpy as np
import pytest
from h5h264 import H264
from support import movie, run_python, same_bytes, stored_chunks

SHAPE = (43, 50, 70)


@pytest.fixture(scope="module")
def frames():
    return movie(SHAPE, "<u2")


@pytest.fixture(scope="module")
def client():
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0", host="127.0.0.1") as cluster:
        with distributed.Client(cluster) as client:
            client.register_plugin(h5h264.dask.WorkerPlugin())
            yield client


@pytest.fixture(params=["synchronous", "threads", "processes", "distributed"])
def scheduler(request):
    if request.param == "distributed":
        request.getfixturevalue("client")
        yield "distributed"
    else:
        with dask.config.set(scheduler=request.param):
            yield request.param


class Counted:
    """Blocks that leave a line in a file whenever they are computed."""

    def __init__(self, path, frames):
        self.path, self.frames = path, frames

    def __call__(self, block_info=None):
        location = block_info[None]["array-location"]
        with open(self.path, "a") as file:
            file.write(f"{location}\n")
        return self.frames[tuple(slice(*bounds) for bounds in location)]


@pytest.mark.parametrize(
    "blocks, chunks, options",
    [
        ((7, 50, 70), (10, 50, 70), {}),
        ((20, 20, 70), (4, 50, 70), {"preset": "superfast"}),
        ((43, 50, 70), (3, 23, 33), {"fillvalue": 7}),
        ((1, 50, 70), (10, 50, 70), {"maxshape": (None, 50, 70)}),
        # Here HDF5 does the work.
        ((7, 50, 70), (10, 50, 70), {"shuffle": True}),
        ((7, 50, 70), (10, 50, 70), {"dtype": "<f4"}),
    ],
)
@pytest.mark.parametrize("scheduler", ["threads", "distributed"], indirect=True)
def test_each_block_is_computed_once_and_stored_as_by_plain_h5py(path, tmp_path, frames, scheduler, blocks, chunks, options):
    lines = tmp_path / "computed"
    array = dask.array.map_blocks(
        Counted(lines, frames),
        chunks=dask.array.core.normalize_chunks(blocks, SHAPE),
        dtype=frames.dtype,
        meta=np.empty((0, 0, 0), frames.dtype),
    )
    with h5py.File(path, "w") as file:
        written = h5h264.write(file, "written", array, chunks=chunks, **options)
        expected = h5h264.write(file, "expected", frames, chunks=chunks, **options)
        assert sorted(stored_chunks(written)) == sorted(stored_chunks(expected))
        assert (written.maxshape, written.dtype) == (expected.maxshape, expected.dtype)
    computed = Counter(lines.read_text().splitlines())
    assert len(computed) == np.prod(array.numblocks) and set(computed.values()) == {1}


def test_what_blocks_are_made_of_is_computed_once_too(path, tmp_path, frames, scheduler):
    lines = tmp_path / "computed"
    source = dask.array.map_blocks(
        Counted(lines, frames), chunks=((43,), (50,), (70,)), dtype="<u2", meta=np.empty((0, 0, 0), "<u2")
    )
    dark = source.rechunk((5, 50, 70)).min(axis=0)
    with h5py.File(path, "w") as file:
        written = h5h264.write(file, "frames", source - dark, chunks=(1, 50, 70))
        assert same_bytes(written[()], frames - frames.min(axis=0))
    assert len(lines.read_text().splitlines()) == 1


def test_a_failing_block_leaves_nothing(path, frames, scheduler):
    def fail(block, block_info=None):
        if block_info[0]["chunk-location"][0] == 3:
            raise RuntimeError("the camera is gone")
        return block

    array = dask.array.from_array(frames, chunks=(7, 50, 70)).map_blocks(fail, dtype="<u2", meta=frames[:0])
    with h5py.File(path, "w") as file:
        with pytest.raises(RuntimeError, match="the camera is gone"):
            h5h264.write(file, "frames", array)
        assert list(file) == []


def test_arrays_are_appended(path, frames):
    with h5py.File(path, "w") as file, dask.config.set(scheduler="threads"):
        for part in (frames[:20], frames[20:35], frames[35:]):
            array = dask.array.from_array(part, chunks=(7, 50, 70))
            written = h5h264.write(file, "frames", array, chunks=(10, 50, 70), append=True)
        assert same_bytes(written[()], frames)
        unknown = array[array.max(axis=(1, 2)) > 0]
        with pytest.raises(ValueError, match="compute_chunk_sizes"):
            h5h264.write(file, "unknown", unknown)


def test_a_dataset_as_a_dask_array(path, frames, scheduler):
    with h5py.File(path, "w") as file:
        h5h264.write(file, "group/frames", frames, chunks=(10, 50, 70))
        with pytest.raises(ValueError, match="is open for writing"):
            h5h264.as_dask(file["group/frames"])
    with h5py.File(path) as file:
        array = h5h264.as_dask(file["group/frames"])
    assert array.chunks == ((10, 10, 10, 10, 3), (50,), (70,)) and array.dtype == frames.dtype
    array = pickle.loads(pickle.dumps(array))
    assert same_bytes(array.compute(), frames)
    assert same_bytes(array[5:30:3, ::2].compute(), frames[5:30:3, ::2])
    assert int(array.max().compute()) == frames.max()
    copied = path.with_name("copy.h5")
    with h5py.File(copied, "w") as file:
        assert same_bytes(h5h264.write(file, "frames", array + 1, chunks=(4, 50, 70))[()], frames + 1)


def test_a_file_that_was_written_anew_is_another_array(path, frames):
    names = set()
    for part in (frames[:10], frames[:20]):
        with h5py.File(path, "w") as file:
            h5h264.write(file, "frames", part)
        with h5py.File(path) as file:
            names.add(h5h264.as_dask(file["frames"]).name)
    assert len(names) == 2
    with h5py.File("memory", "w", driver="core", backing_store=False) as file:
        h5h264.write(file, "frames", frames)
        with pytest.raises(ValueError, match="open for writing"):
            h5h264.as_dask(file["frames"])


def test_workers_have_the_filter_and_one_thread(client):
    def look():
        import h5py
        from h5h264 import _library

        return h5py.h5z.filter_avail(32010), _library.n_threads()

    assert set(client.run(look).values()) == {(True, 1)}


def test_dask_is_imported_only_where_it_is_used():
    assert run_python("import sys, h5h264; print('dask' in sys.modules)") == "False\n"


def encode(t):
    """In a process of its own."""
    part = movie(SHAPE, "<u2")[t : t + 10]
    whole = np.zeros((10, *SHAPE[1:]), "<u2")
    whole[: len(part)] = part
    return (t, 0, 0), h5h264.encode(whole, threads=1)


STORED = {"shape": SHAPE, "dtype": "<u2", "chunks": (10, 50, 70)}


def test_processes_encode_and_one_writes(path, frames):
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool, h5py.File(path, "w") as file:
        written = h5h264.write(file, "written", pool.map(encode, range(0, 43, 10)), **STORED)
        expected = h5h264.write(file, "expected", frames, chunks=(10, 50, 70))
        assert list(stored_chunks(written)) == list(stored_chunks(expected))


def test_encoded_chunks_are_checked(path):
    chunks = [encode(t) for t in range(0, 43, 10)]
    (first, stored), *rest = chunks
    short = h5h264.encode(movie((9, 50, 70), "<u2"))
    with h5py.File(path, "w") as file:
        for pairs, error, sentence in [
            (rest, ValueError, r"4 chunks have come \(expected 5.*that at \(0, 0, 0\) is missing"),
            ([*chunks, chunks[0]], ValueError, r"the chunk at \(0, 0, 0\) has come twice"),
            ([((5, 0, 0), stored), *rest], ValueError, r"a chunk is at \(5, 0, 0\) \(expected a multiple of"),
            ([((50, 0, 0), stored), *rest], ValueError, "within"),
            ([((0, 0), stored), *rest], ValueError, "a chunk is at"),
            ([(first, stored[:-1]), *rest], OSError, r"/frames, chunk at \(0, 0, 0\): h5h264: damaged"),
            ([(first, short), *rest], OSError, "decodes to 63000 bytes .expected 70000.*filled up at the edges"),
            ([stored], TypeError, "an encoded chunk is bytes"),
            ([(first, "text")], TypeError, "an encoded chunk is tuple"),
        ]:
            with pytest.raises(error, match=sentence):
                h5h264.write(file, "frames", iter(pairs), **STORED)
            assert list(file) == []
        with pytest.raises(TypeError, match="dtype is missing"):
            h5h264.write(file, "frames", chunks, shape=SHAPE)
        with pytest.raises(ValueError, match="can't be appended"):
            h5h264.write(file, "frames", chunks, **STORED, append=True)
        with pytest.raises(ValueError, match="can't take encoded chunks"):
            h5h264.write(file, "frames", chunks, **STORED, shuffle=True)
        written = h5h264.write(file, "frames", chunks[::-1], **STORED, preset=H264("medium"))
        assert same_bytes(written[()], movie(SHAPE, "<u2"))


@pytest.mark.parametrize("change", [lambda b: b - 0.5, lambda b: b.astype(">u2"), lambda b: b[:, :8]], ids=["float", "order", "shape"])
def test_blocks_that_are_not_what_the_array_says_are_errors(path, frames, scheduler, change):
    array = dask.array.from_array(frames, chunks=(10, 50, 70)).map_blocks(change, dtype="<u2", chunks=((10, 10, 10, 10, 3), (50,), (70,)))
    with h5py.File(path, "w") as file:
        with pytest.raises(ValueError, match="a block of frames has come as"):
            h5h264.write(file, "frames", array, chunks=(10, 50, 70))
        assert list(file) == []


def test_what_was_flushed_without_a_gap_stays(path, frames):
    def failing(block, block_info=None):
        if block_info[0]["array-location"][0][0] == 20:
            raise OSError("the source has gone")
        return block

    array = dask.array.from_array(frames, chunks=(10, 50, 70)).map_blocks(failing, dtype="<u2")
    with h5py.File(path, "w") as file, dask.config.set(scheduler="synchronous"):
        dataset = h5h264.write(file, "frames", frames[:10], chunks=(10, 50, 70), maxshape=(None, 50, 70))
        with pytest.raises(OSError, match="the source has gone"):
            h5h264.write(file, "frames", array, append=True, flush="chunk")
        n_added = len(dataset) - 10
        assert n_added in (0, 10, 20) and same_bytes(dataset[10:], frames[:n_added])
        with pytest.raises(ValueError, match="flush is 'chunk' and shape is given"):
            h5h264.write(file, "encoded", [], shape=(10, 50, 70), dtype="u2", flush="chunk")
