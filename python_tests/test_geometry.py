"""Chunks of any shape come back: rank, odd sizes, tiles, partial edges, frames beyond H.264's limits."""

import h5py
import numpy as np
import pytest

from support import FILTER_ID, check_stored, create, filters, movie, noise, round_trip, same_bytes


def steps(shape, dtype):
    """A coarse staircase along every axis: less than half of its size remains, in whatever shape."""
    axes = np.ogrid[tuple(slice(n) for n in shape)]
    return sum((axis // 16 for axis in axes), np.zeros(shape, int)).astype(dtype)


@pytest.mark.parametrize("rank", range(1, 33))
def test_every_rank(path, rank):
    # Two frames where there is room for frames: HDF5 allows chunks of 32 dimensions.
    shape = (1,) * (rank - 3) + (2,) * min(1, max(0, rank - 2)) + (17, 33)[-rank:]
    assert len(shape) == rank
    round_trip(path, movie(shape, "<u2"))


@pytest.mark.parametrize(
    "shape",
    [
        (1,),
        (1, 1),
        (1, 1, 1),
        (3,),
        (4, 3),
        (1, 1, 3),
        (1, 2, 2),
        (5, 1, 1),
        (1000, 1, 1),
        (1, 33, 45),
        (33, 45),
        (7, 15, 17),
        (2, 511, 513),
        (100_003,),
        (3, 1, 5000),
        (3, 5000, 1),
        (40, 2, 300),
        (40, 300, 2),
        (3, 7, 2001),
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", ["u1", ">u2", "f4"])
@pytest.mark.parametrize("content", [movie, noise])
def test_odd_sizes_single_frames_and_strips(path, shape, dtype, content):
    round_trip(path, content(shape, dtype))


@pytest.mark.parametrize("fill", [0, 60_000])
def test_frames_that_hdf5_fills_up_a_chunk_with_cost_nothing(path, fill):
    frames = movie((7, 60, 80), "u2") + noise((7, 60, 80), "u1")
    with h5py.File(path, "w") as file:
        whole = create(file, frames, (7, 60, 80), name="whole")
        filled = create(file, frames, (12, 60, 80), name="filled", maxshape=(None, 60, 80), fillvalue=fill)
        filled.resize(11, axis=0)
        assert filled.id.get_storage_size() < whole.id.get_storage_size() + 20
        check_stored(filled)
        assert same_bytes(filled[:7], frames)
        assert np.all(filled[7:] == fill)


@pytest.mark.parametrize("n_frames, side", [(5000, 4), (3000, 20), (100_000, 1)])
def test_thousands_of_frames_in_a_chunk(path, n_frames, side):
    frames = steps((n_frames, side, side), "u1")
    assert round_trip(path, frames) < frames.nbytes / 2


@pytest.mark.parametrize(
    "shape, dtype",
    [
        ((1, 4, 16384), "u1"),
        ((2, 4, 16385), "u1"),
        ((2, 3, 40_001), "<u2"),
        ((2, 16385, 5), "u1"),
        ((2, 9000, 7), "<u2"),
        ((1, 6000, 3, 3), "u1"),
        ((2, 40_001, 3), "<i4"),
        ((2, 17_000, 4, 3), "u1"),
        ((1, 5, 17_000, 3), "u1"),
    ],
    ids=str,
)
def test_frames_wider_or_taller_than_a_picture(path, shape, dtype):
    frames = steps(shape, dtype)
    assert round_trip(path, frames) < frames.nbytes / 2
    round_trip(path, movie(shape, dtype))


def test_a_frame_wider_and_taller_than_a_picture(path):
    frame = np.zeros((16_385, 16_385), "u1")
    frame[::100, 5:] = 3
    frame[:, ::1000] = 250
    assert round_trip(path, frame) < frame.nbytes / 20


@pytest.mark.parametrize(
    "shape, chunks",
    [
        ((20, 60, 70), (5, 60, 70)),
        ((20, 60, 70), (7, 60, 70)),
        ((20, 60, 70), (7, 32, 32)),
        ((6, 100, 130), (3, 64, 64)),
        ((3, 61, 71), (1, 16, 71)),
        ((3, 61, 71), (1, 1, 71)),
        ((3, 20, 71), (2, 20, 1)),
        ((2, 3, 40, 50), (1, 2, 40, 50)),
        ((5, 40, 50, 3), (2, 40, 32, 3)),
        ((5, 40, 50, 3), (2, 40, 50, 1)),
        ((5, 40, 50, 4), (2, 40, 50, 3)),
        ((10_000,), (777,)),
        ((4, 5), (1, 1)),
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", ["u1", "<u2", "f4"])
def test_tiles_and_partial_edges(path, shape, chunks, dtype):
    round_trip(path, movie(shape, dtype), chunks=chunks)


def test_chunks_that_h5py_chooses(path):
    frames = movie((50, 200, 300), "<u2")
    assert round_trip(path, frames, chunks=True) < frames.nbytes


def test_a_chunk_larger_than_the_dataset(path):
    frames = movie((3, 20, 20), "<u2")
    with h5py.File(path, "w") as file:
        dataset = create(file, frames, chunks=(16, 64, 64), maxshape=(None, None, None))
        check_stored(dataset)
        assert same_bytes(dataset[()], frames)


@pytest.mark.parametrize(
    "shape, dtype, options",
    [
        ((640,), "u1", (8, 8, 1)),
        ((2, 32, 40), "<f8", (32, 40, 4)),
        ((2, 32, 40), "<f8", (64, 40, 4)),
        ((4, 30, 42), "<u2", (60, 42, 2)),
        ((4, 30, 42), "<u2", (30, 84, 1)),
        ((4, 30, 42), ">u2", (15, 21, 8)),
        ((4, 30, 42), "c8", (30, 42, 8)),
        ((4, 30, 42), "c8", (30, 42, 4)),
        ((4, 30, 42, 3), "u1", (30, 42, 3)),
        ((4, 30, 42, 3), "u1", (30, 126, 1)),
        ((4, 30, 42, 6), "u1", (30, 42, 6)),
        ((4, 30, 42), "u1", (1, 1, 1)),
        ((3, 5, 7), "u1", (105, 1, 1)),
        ((3, 5, 7), "u1", (1, 7, 15)),
    ],
    ids=str,
)
def test_explicit_frames_may_describe_another_shape(path, shape, dtype, options):
    for content in (movie, noise):
        if dtype == "S6":
            frames = noise(shape, "V6").view("S6")
            frames[frames == b""] = b"x"
        else:
            frames = content(shape, dtype)
        round_trip(path, frames, options=options)
        with h5py.File(path) as file:
            assert filters(file["frames"])[0][2][:2] == options[:2]


def test_a_chunk_of_32_dimensions_with_colour(path):
    shape = (2,) * 4 + (1,) * 25 + (10, 12, 3)
    assert len(shape) == 32
    round_trip(path, movie(shape, "u1"))


def test_unwritten_chunks_cost_nothing(path):
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset(
            "frames", (1000, 4096, 4096), "u2", chunks=(10, 64, 64), compression=FILTER_ID, fillvalue=7
        )
        dataset[500, :64, :64] = 9
        check_stored(dataset)
    with h5py.File(path) as file:
        assert file["frames"].id.get_num_chunks() == 1
        assert (file["frames"][499:502, 0, 0] == [7 if t != 500 else 9 for t in (499, 500, 501)]).all()
        assert (file["frames"][0, :10, -10:] == 7).all()
    assert path.stat().st_size < 100_000
