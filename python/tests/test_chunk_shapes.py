"""`chunks`: whole frames, some of them, and the chunk cache that they want."""

import itertools
import math
import sys

import h5h264
import h5py
import numpy as np
import pytest

MIB = 2**20


@pytest.mark.parametrize(
    "shape, dtype, expected",
    [
        ((1000, 1024, 1024), "u2", (8, 1024, 1024)),
        ((1000, 512, 512), "u2", (10, 512, 512)),
        ((1000, 64, 64), "u2", (125, 64, 64)),  # a MiB
        ((11, 512, 512), "u2", (6, 512, 512)),  # not 10 and 1
        ((3, 512, 512), "u2", (3, 512, 512)),
        ((0, 512, 512), "u2", (10, 512, 512)),  # grows
        ((100, 2048, 2048), "u4", (1, 2048, 2048)),
        ((100, 480, 640, 3), "u1", (10, 480, 640, 3)),
        ((480, 640, 3), "u1", (480, 640, 3)),
        ((7, 5, 512, 512), "u2", (2, 5, 512, 512)),
        ((7, 50, 512, 512), "u2", (1, 10, 512, 512)),
        ((512, 512), "u2", (512, 512)),
        ((5000,), "f8", (5000,)),
        ((10, 20000, 20000), "u2", (1, 1664, 20000)),  # bands of 64 MiB, of whole macroblocks
    ],
)
def test_whole_frames(shape, dtype, expected):
    assert h5h264.chunks(shape, dtype) == expected


def test_shapes_of_all_kinds_can_be_used(path):
    lengths = [0, 1, 3, 4, 17, 5000]
    with h5py.File(path, "w") as file:
        for shape in itertools.chain(*(itertools.product(lengths, repeat=n) for n in (1, 2, 3, 4))):
            chunks = h5h264.chunks(shape, "u2")
            assert len(chunks) == len(shape)
            assert all(1 <= c and (c <= n or n == 0) for c, n in zip(chunks, shape)), (shape, chunks)
            assert chunks.nbytes == math.prod(chunks) * 2 <= 64 * MIB
            assert chunks.nbytes <= chunks.rdcc_nbytes
        dataset = file.create_dataset(
            "frames", (0, 3, 17), "u2", chunks=h5h264.chunks((0, 3, 17), "u2"), maxshape=(None, 3, 17)
        )
        assert dataset.chunks == h5h264.chunks((0, 3, 17), "u2")


@pytest.mark.parametrize("target", [1, 1000, MIB, 100 * MIB])
def test_chunks_are_of_the_wanted_size_as_long_as_they_hold_a_frame(target):
    frame_bytes = 512 * 512 * 2
    chunks = h5h264.chunks((1000, 512, 512), "u2", target=target)
    if target * 4 >= frame_bytes:
        assert chunks[1:] == (512, 512)
    assert chunks.nbytes <= max(target, frame_bytes)


@pytest.mark.parametrize(
    "arguments, error",
    [
        (((), "u2"), ValueError),
        (((-1, 5), "u2"), ValueError),
        (((1.5, 5), "u2"), TypeError),
        (((5, 5), "u2", 0), ValueError),
    ],
)
def test_nonsense_is_refused(arguments, error):
    with pytest.raises(error):
        h5h264.chunks(*arguments)


def written_bytes():
    with open("/proc/self/io") as counters:
        return int(dict(line.split(": ") for line in counters)["wchar"])


@pytest.mark.skipif(sys.platform != "linux", reason="/proc")
def test_with_the_advised_cache_a_loop_over_frames_codes_each_chunk_once(path):
    t, y, x = np.ogrid[:20, :700, :1024]
    frames = (t + y // 8 + x // 8).astype("<u2")  # little to code
    chunks = h5h264.chunks((0, 700, 1024), "<u2")
    assert chunks.nbytes > 8 * MIB  # than HDF5's own default
    written = []
    for cache in (MIB, chunks.rdcc_nbytes):
        before = written_bytes()
        with h5py.File(path, "w", rdcc_nbytes=cache) as file:
            dataset = file.create_dataset(
                "frames", frames.shape, "<u2", chunks=chunks, compression=h5h264.H264()
            )
            for t, frame in enumerate(frames):
                dataset[t] = frame
        written.append(written_bytes() - before)
        with h5py.File(path) as file:
            assert np.array_equal(h5h264.read(file["frames"]), frames)
            stored = file["frames"].id.get_storage_size()
    assert stored <= written[1] < 1.1 * stored
    assert written[0] > 3 * stored
