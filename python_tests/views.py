"""Views for tests, and what NumPy calculates for them."""

import sys

import h5py
import numpy as np
from support import TESTS

sys.path.insert(0, str(TESTS.parent / "python" / "h5h264"))
import calib  # noqa: E402

ORIGINAL = TESTS.parent / "tests" / "data" / "h5calib"
H264 = 32010
N, HEIGHT, WIDTH, CELLS = 6, 24, 37, 3
SHAPE = (N, HEIGHT, WIDTH)
RNG = np.random.default_rng(7)

PEDESTALS = RNG.normal(100, 5, (CELLS, HEIGHT, WIDTH))
LEVELS = np.stack(
    [RNG.normal(value, value / 100, (CELLS, HEIGHT, WIDTH)) for value in (1000, 3000, 400, 20, 300, 6, 200, 2)], -1
)
STAGES = LEVELS[..., 2:]
MASK = RNG.random((HEIGHT, WIDTH)) < 0.1
RAW = RNG.integers(0, 4000, SHAPE)
PAIRS = np.stack([RAW, RNG.choice([900, 2000, 4000], SHAPE)], -1)
WORDS = (RAW | RNG.choice([0, 1, 2, 3], SHAPE) << 14).astype("u2")


def subtract(raw, pedestals, dtype):
    return raw.astype(dtype) - pedestals.astype(dtype)


def by_level(signal, level, pairs):
    choose = [level == n for n in range(3)]
    pedestal = np.select(choose, [pairs[..., 2 * n] for n in range(3)], np.nan)
    gain = np.select(choose, [pairs[..., 2 * n + 1] for n in range(3)], np.nan)
    return (signal - pedestal) / gain


def agipd_v2(raw, constants, dtype):
    raw, constants = raw.astype(dtype), constants.astype(dtype)
    level = (raw[..., 1] > constants[..., 0]).astype(int)
    level[raw[..., 1] > constants[..., 1]] = 2
    return by_level(raw[..., 0], level, constants[..., 2:]).astype(dtype)


def jungfrau_v1(raw, constants, dtype):
    level = np.array([0, 1, 7, 2])[raw >> 14]
    return by_level((raw & 0x3FFF).astype(dtype), level, constants.astype(dtype)).astype(dtype)


EXAMPLES = {
    "pedestal_v1": (RAW, PEDESTALS, subtract),
    "AGIPD_v1": (RAW, PEDESTALS, subtract),
    "AGIPD_v2": (PAIRS, LEVELS, agipd_v2),
    "JUNGFRAU_v1": (WORDS, STAGES, jungfrau_v1),
}


def expected(algorithm, dtype="f4", mask=None, n_cells=CELLS, raw=None, constants=None):
    example_raw, example_constants, calibrate = EXAMPLES[algorithm]
    raw = example_raw if raw is None else raw
    constants = example_constants if constants is None else constants
    n_cells = 1 if algorithm == "pedestal_v1" else n_cells
    frames = np.stack([calibrate(raw[i], constants[i % n_cells], np.dtype(dtype)) for i in range(len(raw))])
    if mask is not None:
        frames[:, mask] = np.nan
    return frames


def fill(file, algorithm, raw_dtype="u2", constants_dtype="f4", **kwargs):
    raw, constants, _ = EXAMPLES[algorithm]
    stored = dict(compression=H264, chunks=(2, *raw.shape[1:]))
    file.create_dataset("raw", data=raw.astype(raw_dtype), **(stored | kwargs))
    file["calib"] = constants.astype(constants_dtype)
    file["mask"] = MASK


def make(path, algorithm="AGIPD_v2", view=None, **kwargs):
    with h5py.File(path, "w") as file:
        fill(file, algorithm, **kwargs)
        calib.create_processed(file, SHAPE, calib_alg=algorithm, n_cells=CELLS, **(view or {}))


def same(a, b):
    return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=True)


def replace(file, name, value):
    del file[name]
    file[name] = value
