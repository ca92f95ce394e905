"""Frames per second of views, of NumPy doing the same after a plain read, and of what can't be saved: reading
the raw bytes, and one pass over all bytes that the arithmetic needs.

Each round measures all of them one after the other; what is printed is the best of the rounds, which was
least disturbed. The raw images and the constants of one memory cell are in the page cache. Datasets have one
image per chunk or ten, and are read chunk by chunk.

    scripts/bench-calibration [ROUNDS [FOLDER]]
"""

import ctypes
import itertools
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "python" / "h5h264"))
import calib  # noqa: E402

N, HEIGHT, WIDTH = 40, 512, 1024
TARGET_RATIO, TARGET_OVERHEAD = 6, 1.25

memchr = ctypes.CDLL(None).memchr
memchr.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]


def agipd_v2(raw, constants):
    signal, gain = raw[..., 0].astype("f4"), raw[..., 1].astype("f4")
    high, medium = gain <= constants[..., 0], gain <= constants[..., 1]
    pedestal = np.where(medium, np.where(high, constants[..., 2], constants[..., 4]), constants[..., 6])
    gains = np.where(medium, np.where(high, constants[..., 3], constants[..., 5]), constants[..., 7])
    return (signal - pedestal) / gains


def jungfrau_v1(raw, constants):
    stage, value = raw >> 14, (raw & 0x3FFF).astype("f4")
    first, second = stage == 0, stage == 1
    pedestal = np.where(first, constants[..., 0], np.where(second, constants[..., 2], constants[..., 4]))
    gains = np.where(first, constants[..., 1], np.where(second, constants[..., 3], constants[..., 5]))
    return (value - pedestal) / gains


def examples():
    """(algorithm, raw images, constants, NumPy's function); a fifth of the pixels has switched gain."""
    rng = np.random.default_rng(0)
    shape = (N, HEIGHT, WIDTH)
    signal = rng.integers(3000, 8000, shape)
    level = rng.choice(3, shape, p=[0.8, 0.15, 0.05])
    values = (1000, 3000, 4231, 20, 3232, 6, 2512, 2)
    constants = np.stack([rng.normal(v, v / 100, (1, HEIGHT, WIDTH)) for v in values], -1).astype("f4")
    pairs = np.stack([signal, np.array([900, 2000, 4000])[level]], -1).astype("i2")
    yield "AGIPD_v2", pairs, constants, agipd_v2
    words = (signal | np.array([0, 1, 3])[level] << 14).astype("u2")
    yield "JUNGFRAU_v1", words, constants[..., 2:].copy(), jungfrau_v1


def seconds(work):
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) / N


def measure(path, n_images, algorithm, raw, constants, calibrate, rounds):
    with h5py.File(path, "w") as file:
        file.create_dataset("raw", data=raw, chunks=(n_images, *raw.shape[1:]))
        file["calib"] = constants
        calib.create_processed(file, (N, HEIGHT, WIDTH), calib_alg=algorithm, n_cells=1, chunks=n_images)
    one = constants[0]
    frames = np.empty((n_images, HEIGHT, WIDTH), "f4")
    needed = np.full(one.nbytes + raw[:n_images].nbytes, 2, np.uint8)

    def each(dataset, work=lambda frames: None):
        for i in range(0, N, n_images):
            work(dataset[i : i + n_images])

    def one_pass():
        for _ in range(0, N, n_images):
            memchr(needed.ctypes.data, 1, needed.nbytes)
            frames[:] = 1

    with h5py.File(path) as file:
        works = {
            "view": lambda: each(file["processed"]),
            "numpy": lambda: each(file["raw"], lambda raw: calibrate(raw, one)),
            "raw": lambda: each(file["raw"]),
            "pass": one_pass,
        }
        assert np.array_equal(file["processed"][N - 1], calibrate(raw[N - 1], one))
        for work in works.values():
            work()
        times = [{name: seconds(work) for name, work in works.items()} for _ in range(rounds)]
    return {name: min(round_[name] for round_ in times) for name in works}


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    folder = sys.argv[2] if len(sys.argv) > 2 else None
    print(f"{N} frames of {HEIGHT} x {WIDTH}, HDF5 {h5py.version.hdf5_version}, best of {rounds} rounds")
    print("algorithm   images frames/s: view   NumPy  ratio | ms a frame: view   raw + pass  overhead")
    with tempfile.TemporaryDirectory(dir=folder) as folder:
        for n_images, (algorithm, *example) in itertools.product((1, 10), examples()):
            t = measure(Path(folder, "run.h5"), n_images, algorithm, *example, rounds)
            least = t["raw"] + t["pass"]
            print(
                f"{algorithm:12} {n_images:5} {1 / t['view']:14.0f} {1 / t['numpy']:7.0f} {t['numpy'] / t['view']:6.1f} |"
                f" {t['view'] * 1e3:16.2f} {t['raw'] * 1e3:5.2f} + {t['pass'] * 1e3:.2f} {t['view'] / least:8.2f}x"
            )
    print(f"wanted: ratio at least {TARGET_RATIO}, overhead at most {TARGET_OVERHEAD}x")


if __name__ == "__main__":
    main()
