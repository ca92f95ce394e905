"""`info`: how a dataset is stored."""

import sys

import h5h264
import h5py
import numpy as np
import pytest
from h5h264 import H264

from support import check_stored, movie, noise, run_python


def test_sums_and_chunks(path):
    frames = movie((10, 40, 60), "<u2")
    with h5py.File(path, "w") as file:
        dataset = h5h264.write(file, "frames", frames, chunks=(4, 40, 60), preset="superfast")
        found = h5h264.info(dataset)
        assert found.stored_bytes == check_stored(dataset) == dataset.id.get_storage_size()
        versions = [dataset.id.read_direct_chunk(chunk.offset)[1][7] for chunk in found.chunks]
    assert [chunk.format_version for chunk in found.chunks] == versions
    assert found.raw_bytes == 3 * 4 * 40 * 60 * 2
    assert found.ratio == found.raw_bytes / found.stored_bytes
    assert (found.preset, found.options) == ("superfast", H264("superfast"))
    assert [chunk.offset for chunk in found.chunks] == [(0, 0, 0), (4, 0, 0), (8, 0, 0)]
    for chunk in found.chunks:
        assert (chunk.content, chunk.layout) == ("coded", "h5h264")
        assert chunk.transform == "integer"
        assert sum(bits for bits, _ in chunk.planes) <= 16
        assert {coding for _, coding in chunk.planes} <= {"constant", "raw", "noise", "video"}
        parts = chunk.raw_planes_bytes, chunk.zstd_bytes, chunk.noise_bytes, chunk.video_bytes
        assert 0 < chunk.noise_bytes and sum(parts) <= chunk.stored_bytes - 25


@pytest.mark.parametrize(
    "frames, content, transform",
    [
        (noise((2, 40, 60), "u1"), "raw", None),
        (movie((2, 40, 60), "f4"), "coded", "float"),
        (movie((2, 40, 60), "i2").astype("f4"), "coded", "integral float"),
        (np.full((2, 40, 60), 7, "u2"), "coded", "integer"),
    ],
)
def test_what_became_of_the_samples(path, frames, content, transform):
    with h5py.File(path, "w") as file:
        (chunk,) = h5h264.info(h5h264.write(file, "frames", frames)).chunks
    assert chunk.content == content
    assert chunk.transform is transform is None or transform in chunk.transform


def test_chunks_that_are_not_this_filters_alone(path):
    frames = movie((4, 40, 60), "<u2")
    with h5py.File(path, "w") as file:
        skipped = h5h264.write(file, "skipped", frames, chunks=(2, 40, 60))
        skipped.id.write_direct_chunk((2, 0, 0), frames[2:].tobytes(), 1)
        checked = h5h264.write(file, "checked", frames, fletcher32=True, shuffle=True)
        original = h5h264.write(file, "original", frames, preset=H264(layout="original"))
        contents = {
            d.name[1:]: [c.content for c in h5h264.info(d).chunks] for d in (skipped, checked, original)
        }
        layout = h5h264.info(original).chunks[0].layout
    assert contents == {"skipped": ["coded", "unfiltered"], "checked": ["coded"], "original": ["coded"]}
    assert layout == "original"


def test_frames_in_strips(path):
    with h5py.File(path, "w") as file:
        plain = H264(layout="movie")
        whole = h5h264.write(file, "whole", movie((2, 700, 600), "u1"), chunks=(2, 700, 600), preset=plain)
        cut = h5h264.write(file, "cut", movie((2, 700, 600), "<u2"), chunks=(2, 700, 600))
        assert h5h264.info(whole).chunks[0].strip_height == 700
        assert 0 < h5h264.info(cut).chunks[0].strip_height < 700


def test_a_dataset_without_chunks_yet(path):
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("a", (4, 40, 60), "u1", chunks=(2, 40, 60), compression=H264())
        assert (h5h264.info(dataset).chunks, h5h264.info(dataset).stored_bytes) == ((), 0)
        assert np.isnan(h5h264.info(dataset).ratio)
        assert "0 chunks" in repr(h5h264.info(dataset))


def test_the_repr_is_a_summary(path):
    with h5py.File(path, "w") as file:
        frames = np.concatenate([np.full((6, 40, 60), 7, "u1"), noise((2, 40, 60), "u1")])
        found = h5h264.info(h5h264.write(file, "frames", frames, chunks=(2, 40, 60), preset="fast"))
    assert repr(found).splitlines() == [
        "/frames: 8 × 40 × 60 uint8 in 4 chunks of 2 × 40 × 60",
        "h5h264.H264(preset='fast')",
        f"19200 bytes stored in {found.stored_bytes}, ratio {found.ratio:.2f}",
        f"     3 × {repr_of(found.chunks[0])}",
        "     1 × raw",
    ]


def repr_of(chunk):
    planes = " + ".join(f"{bits} bit{'' if bits == 1 else 's'} {coding}" for bits, coding in chunk.planes)
    return f"{chunk.transform}: {planes or 'nothing'}"


def test_errors(path):
    with h5py.File(path, "w") as file:
        plain = file.create_dataset("plain", data=np.zeros((4, 40)))
        with pytest.raises(ValueError, match="/plain does not have the filter h5h264"):
            h5h264.info(plain)
        damaged = h5h264.write(file, "damaged", movie((4, 40, 60), "u1"))
        stored = damaged.id.read_direct_chunk((0, 0, 0))[1]
        damaged.id.write_direct_chunk((0, 0, 0), stored[:-1])
        with pytest.raises(OSError, match="h5h264: damaged chunk"):
            h5h264.info(damaged)


MILLION = """
    import resource, sys, time, h5py, h5h264
    import numpy as np
    stored = h5h264.encode(np.arange(64, dtype="u2").reshape(1, 8, 8))
    shape, n = (200_000, 8, 8), 200_000 if sys.argv[2] == "full" else 150_000
    with h5py.File(sys.argv[1], "w", libver="latest") as file:
        dataset = file.create_dataset("frames", shape, "u2", chunks=(1, 8, 8), compression=h5h264.H264())
        for t in range(n):
            dataset.id.write_direct_chunk((t, 0, 0), stored)
    with h5py.File(sys.argv[1]) as file:
        before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
        found = h5h264.info(file["frames"], sample=100)
        seconds = time.process_time() - start
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert (len(found.chunks), found.n_chunks, found.stored_bytes) == (100, n, n * len(stored)), found
    assert found.chunks[-1].offset == (n - 1, 0, 0) and found.raw_bytes == n * 128
    assert "of the 100 chunks that were looked at:" in repr(found)
    assert seconds < 3 and grown < 40, (seconds, grown)
    print("ok")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss has another unit")
@pytest.mark.parametrize("kind", ["full", "partly written"])
def test_a_sample_of_many_chunks(path, kind):
    assert run_python(MILLION, path, kind) == "ok\n"


def test_samples(path):
    with h5py.File(path, "w") as file:
        dataset = h5h264.write(file, "frames", movie((9, 40, 60), "u1"), chunks=(2, 20, 60))
        everything = h5h264.info(dataset)
        for n in (1, 4, 10, 1000):
            found = h5h264.info(dataset, sample=n)
            assert len(found.chunks) == min(n, 10) and set(found.chunks) <= set(everything.chunks)
            assert (found.stored_bytes, found.raw_bytes) == (everything.stored_bytes, everything.raw_bytes)
        with pytest.raises(ValueError, match="sample is 0"):
            h5h264.info(dataset, sample=0)
        empty = file.create_dataset("a", (4, 40, 60), "u1", chunks=(2, 40, 60), compression=H264())
        assert h5h264.info(empty, sample=5).chunks == ()
