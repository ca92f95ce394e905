"""What is no photograph is stored no larger than gzip-9 with shuffle makes it, and noise hardly larger than it is."""

import h5py
import numpy as np
import pytest

from support import check_stored, create, noise, same_bytes


def labels():
    """256 squares, each with a number of its own, the same in all frames."""
    squares = np.arange(256, dtype="u2").reshape(16, 16).repeat(16, 0).repeat(16, 1)
    squares[::16] = squares[:, ::16] = 0
    return np.stack([squares] * 4)


def events():
    frames = np.zeros((8, 200, 256), "u2")
    rng = np.random.default_rng(0)
    frames.ravel()[rng.integers(0, frames.size, 700)] = rng.integers(1, 4000, 700)
    return frames


def text():
    """Glyphs of 8 × 8 in lines, one of which scrolls out of the frame with each frame."""
    rng = np.random.default_rng(1)
    glyphs = rng.integers(0, 2, (30, 8, 8), "u1") * 255
    page = glyphs[rng.integers(0, 30, (40, 32))].swapaxes(1, 2).reshape(320, 256)
    return np.stack([page[8 * t : 8 * t + 240] for t in range(6)])


def mask():
    y, x = np.mgrid[:256, :256]
    distance = np.hypot(x % 64 - 32, y % 64 - 32)
    return np.stack([((distance < 25) & (distance > 8)).astype("u1")] * 6)


KINDS = {
    "labels": labels,
    "labels with random numbers": lambda: np.random.default_rng(2).integers(0, 2**31, 256).astype("u4")[labels()],
    "sparse events": events,
    "checkerboard": lambda: np.stack([np.indices((256, 256)).sum(0).astype("u1") % 2 * 255] * 8),
    "counting numbers": lambda: np.arange(8 * 256 * 256, dtype="u4").reshape(8, 256, 256),
    "the same noise in each frame": lambda: noise((1, 256, 256), "u2").repeat(8, 0),
    "the same noise of doubles": lambda: np.random.default_rng(3).random((1, 128, 256)).repeat(4, 0),
    "text": text,
    "mask": mask,
    "waves": lambda: np.sin(np.indices((6, 128, 256)).sum(0) / 20),
    "table of constants": lambda: np.tile(np.random.default_rng(4).normal(size=256), (4, 256, 1)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_structured_data_is_no_larger_than_gzip_makes_it(path, kind):
    frames = KINDS[kind]()
    with h5py.File(path, "w") as file:
        dataset = create(file, frames)
        ours = check_stored(dataset)
        assert same_bytes(dataset[()], frames)
        gzip = file.create_dataset(
            "gzip", data=frames, chunks=frames.shape, compression="gzip", compression_opts=9, shuffle=True
        )
        assert ours <= gzip.id.get_storage_size() / 0.98


@pytest.mark.parametrize("dtype", ["u1", "<u2", ">u4", "u8"])
def test_noise_is_25_bytes_larger(path, dtype):
    frames = noise((4, 100, 100), dtype)
    with h5py.File(path, "w") as file:
        assert check_stored(create(file, frames)) == frames.nbytes + 25
