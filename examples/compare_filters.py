"""Compares this filter with gzip on a dataset, in chunks of one, ten and more frames.

    python compare_filters.py run.h5 /entry/data

Prints uncompressed size / stored size, and the speed of writing and reading in MB of uncompressed frames a second. (The program's
`h5h264 bench` does something similar without Python.)
"""

import argparse
import time

import h5py
import numpy as np

import h5h264

FILTERS = {
    "h5h264 ultrafast": dict(h5h264.H264()),
    "h5h264 superfast": dict(h5h264.H264("superfast")),
    "gzip-4 + shuffle": {"compression": "gzip", "compression_opts": 4, "shuffle": True},
}


def measure(frames, chunks, options):
    """Ratio, MB/s of writing, MB/s of reading, in a file in memory."""
    megabytes = frames.nbytes / 1e6
    with h5py.File("memory", "w", driver="core", backing_store=False) as file:
        start = time.perf_counter()
        dataset = file.create_dataset("frames", data=frames, chunks=chunks, **options)
        file.flush()
        written = time.perf_counter()
        assert np.array_equal(dataset[...], frames)
        read = time.perf_counter()
        ratio = frames.nbytes / dataset.id.get_storage_size()
    return ratio, megabytes / (written - start), megabytes / (read - written)


def made_up_frames():
    y, x = np.mgrid[:256, :256]
    rings = [200 * np.cos(np.hypot(x - 128 - t, y - 128) / 9) ** 2 for t in range(40)]
    return np.random.default_rng(1).poisson(50 + np.array(rings)).astype("uint16")


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("path", nargs="?", help="an HDF5 file [made-up frames]")
    parser.add_argument("dataset", nargs="?", default="frames", help="a dataset of frames in it [%(default)s]")
    parser.add_argument("--most-frames", type=int, default=100, help="frames to take of it [%(default)s]")
    arguments = parser.parse_args()

    if arguments.path is None:
        frames = made_up_frames()
    else:
        with h5py.File(arguments.path) as file:
            frames = file[arguments.dataset][: arguments.most_frames]
    print(f"{frames.dtype}, {' × '.join(map(str, frames.shape))}, {frames.nbytes / 1e6:.1f} MB\n")
    print(f"{'filter':20}{'frames a chunk':>15}{'ratio':>8}{'write MB/s':>12}{'read MB/s':>11}")
    for n in sorted({1, min(10, len(frames)), len(frames)}):
        for name, options in FILTERS.items():
            ratio, write_speed, read_speed = measure(frames, (n, *frames.shape[1:]), options)
            print(f"{name:20}{n:15}{ratio:8.2f}{write_speed:12.0f}{read_speed:11.0f}")


if __name__ == "__main__":
    main()
