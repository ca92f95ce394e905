"""Writes frames to a file while they arrive, as an acquisition does, and continues the file after a restart.

    python acquire.py run.h5 --frames 95

Run it twice with the same file: the second run adds its frames to those of the first.
"""

import argparse
import time

import h5py
import numpy as np

import h5h264


def camera(n_frames, shape, seed):
    """Stands for a camera: yields (time, frame)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]]
    for t in range(n_frames):
        spot = 300 * np.exp(-((x - 20 - t) ** 2 + (y - shape[0] / 2) ** 2) / 200)
        yield time.time(), rng.poisson(100 + spot).astype("uint16")


def acquire(path, n_frames, shape):
    # "a" continues a file that exists. h5h264 is imported: without the filter, nothing could be written to it.
    with h5py.File(path, "a") as file:
        n_before = len(file["frames"]) if "frames" in file else 0
        times = []

        def frames():
            for moment, frame in camera(n_frames, shape, seed=n_before):
                times.append(moment)
                yield frame

        # Takes the frames one by one, and encodes whole chunks in threads.
        h5h264.write(file, "frames", frames(), append=True)
        if "times" not in file:
            file.create_dataset("times", (0,), "f8", maxshape=(None,), chunks=(1024,))
            file["times"].attrs["units"] = "s"
        file["times"].resize(n_before + len(times), axis=0)
        file["times"][n_before:] = times


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("path", nargs="?", default="run.h5", help="the file to write [%(default)s]")
    parser.add_argument("--frames", type=int, default=95, help="how many frames to take [%(default)s]")
    parser.add_argument("--size", type=int, default=256, help="height and width of a frame [%(default)s]")
    arguments = parser.parse_args()

    start = time.perf_counter()
    acquire(arguments.path, arguments.frames, (arguments.size, arguments.size))
    seconds = time.perf_counter() - start
    with h5py.File(arguments.path) as file:
        print(h5h264.info(file["frames"]))
        print(f"{arguments.frames} frames in {seconds:.2f} s, {len(file['times'])} in the file")


if __name__ == "__main__":
    main()
