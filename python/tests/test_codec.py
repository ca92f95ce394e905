"""`encode` and `decode`: the bytes that HDF5 would store."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import h5h264
import h5py
import numpy as np
import pytest
from h5h264 import H264, _library

from support import MAGIC, movie, noise, same_bytes

DTYPES = ["u1", "<u2", ">u2", "<i4", "<u8", "<f2", "<f4", ">f8", "<c8", "?", "S5"]


def array_of(dtype, shape=(5, 40, 60)):
    return noise(shape, "V5").view("S5") if dtype == "S5" else movie(shape, dtype)


@pytest.mark.parametrize("preset", ["ultrafast", "medium"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_encoded_bytes_are_those_that_hdf5_stores(path, dtype, preset):
    array = array_of(dtype)
    encoded = h5h264.encode(array, preset)
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("a", data=array, chunks=array.shape, compression=h5h264.H264(preset))
        assert dataset.id.read_direct_chunk((0, 0, 0)) == (0, encoded)
    assert same_bytes(h5h264.decode(encoded, array.dtype, array.shape), array)


def test_encoded_bytes_can_be_written_directly(path):
    array = movie((10, 40, 60), "<u2")
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("a", array.shape, "<u2", chunks=(5, 40, 60), compression=h5h264.H264())
        for t in (0, 5):
            dataset.id.write_direct_chunk((t, 0, 0), h5h264.encode(array[t : t + 5]))
        assert same_bytes(dataset[()], array)


def test_arrays_need_not_be_contiguous_or_arrays():
    array = movie((10, 40, 60), "<u2")
    assert h5h264.encode(array[::2, :, ::-1]) == h5h264.encode(array[::2, :, ::-1].copy())
    assert same_bytes(h5h264.decode(h5h264.encode(array.tolist()), "i8", array.shape), array.astype("i8"))


def test_what_decode_returns():
    array = movie((5, 40, 60), "<u2")
    encoded = h5h264.encode(array)
    chunk = h5h264.decode(encoded)
    assert (chunk.dtype, chunk.shape) == (np.uint8, (array.nbytes,))
    assert chunk.tobytes() == array.tobytes()
    assert h5h264.decode(encoded, "<u2").shape == (array.size,)
    assert same_bytes(h5h264.decode(memoryview(bytearray(encoded)), "<u2", (-1, 40, 60)), array)
    # It is the caller's own.
    chunk[:] = 0
    assert same_bytes(h5h264.decode(encoded, "<u2", array.shape), array)


def test_options_and_chunks_of_the_original_layout():
    array = movie((5, 40, 60), "<u2")
    encoded = h5h264.encode(array, h5h264.H264("fast", layout="original"))
    assert not encoded.startswith(MAGIC)
    options = h5h264.H264(frame=(40, 60), sample_bytes=2)
    assert same_bytes(h5h264.decode(encoded, "<u2", array.shape, options=options), array)
    with pytest.raises(ValueError, match="h5h264: the frame shape is not known"):
        h5h264.decode(encoded)


@pytest.mark.parametrize(
    "action, error, sentence",
    [
        (
            lambda stored: h5h264.decode(stored[:-1]),
            OSError,
            "h5h264: damaged chunk: its .* stored bytes do not have",
        ),
        (
            lambda stored: h5h264.decode(b""),
            OSError,
            "h5h264: the chunk of 0 bytes was not written by this filter",
        ),
        (
            lambda stored: h5h264.decode(stored[:7] + b"\x09" + stored[8:]),
            OSError,
            "which a newer h5h264 wrote",
        ),
        (lambda stored: h5h264.decode(stored, "u2", (7, -1)), ValueError, "the chunk decodes to 24000 bytes"),
        (lambda stored: h5h264.decode(stored, "V7"), ValueError, "the chunk decodes to 24000 bytes"),
        (lambda stored: h5h264.decode(5), TypeError, "bytes-like"),
        (lambda stored: h5h264.decode(stored, threads=0), ValueError, r"threads is 0 \(expected 1 or more\)"),
        (lambda stored: h5h264.encode(7), ValueError, r"of shape \(\) is not a chunk"),
        (lambda stored: h5h264.encode(np.zeros((0, 5))), ValueError, r"of shape \(0, 5\) is not a chunk"),
        (lambda stored: h5h264.encode(np.array(["text"])), TypeError, "<U4"),
        (lambda stored: h5h264.encode(np.zeros((9, 9)), "best"), ValueError, "preset 'best' does not exist"),
    ],
)
def test_errors_say_what_is_wrong(action, error, sentence):
    with pytest.raises(error, match=sentence):
        action(h5h264.encode(movie((5, 40, 60), "<u2")))


def test_other_threads_run_meanwhile():
    """The GIL is released: a thread counts while another encodes and decodes."""
    array = np.concatenate([movie((10, 512, 512), "<u2")] * 2)
    h5h264.encode(array[:1], "slow")
    counts, is_over = [], threading.Event()

    def count():
        n = 0
        while not is_over.is_set():
            n += 1
            time.sleep(0.001)
        counts.append(n)

    counter = threading.Thread(target=count)
    counter.start()
    start = time.perf_counter()
    stored = h5h264.encode(array, "slow", threads=1)
    h5h264.decode(stored, threads=1)
    seconds = time.perf_counter() - start
    is_over.set()
    counter.join()
    # With the GIL held, it would have counted to about two.
    assert counts[0] > 20 * seconds > 2


def test_many_threads_at_once():
    arrays = [movie((4, 40 + i, 60), dtype, seed=i) for i in range(8) for dtype in ("u1", "<u2", "f4")]

    def round_trip(array):
        for _ in range(5):
            assert same_bytes(h5h264.decode(h5h264.encode(array), array.dtype, array.shape), array)
        return True

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(round_trip, arrays))


def test_a_buffer_is_held_while_it_is_used():
    stored = bytearray(h5h264.encode(movie((2, 64, 64), "u1")))
    seen = []

    def function(*_):
        with pytest.raises(BufferError):
            stored.extend(b"more")
        seen.append("held")
        return 0

    _library._call(function, *_library._memory(_library._array(stored)))
    assert seen == ["held"]


def test_objects_are_no_chunks():
    texts = np.array([["a", "b"], ["c", "d"]], object)
    for array in (texts, texts.astype("U"), "text"):
        with pytest.raises(TypeError, match="can't be encoded"):
            h5h264.encode(array, H264(frame=(2, 2), sample_bytes=8))
    with pytest.raises(TypeError, match="can't be decoded to object"):
        h5h264.decode(h5h264.encode(np.zeros((2, 8, 8))), object)


def test_options_may_be_a_preset():
    frames = movie((2, 64, 64), "u1")
    assert same_bytes(h5h264.decode(h5h264.encode(frames, "medium"), "u1", (2, 64, 64), options="medium"), frames)
