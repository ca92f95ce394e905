"""Reads frames in random order from several processes, as the loaders of machine learning do.

    python random_frames.py run.h5 /frames --workers 4

The file is opened by each worker when it reads its first frame: an HDF5 file that is open can't be shared by processes.
"""

import argparse
import multiprocessing
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np

import h5h264


class Frames:
    """A dataset that can be sent to another process. torch.utils.data.Dataset needs just these methods."""

    def __init__(self, path, name):
        self.path, self.name, self.dataset = str(path), name, None
        with h5py.File(path) as file:
            self.n_frames = len(file[name])

    def __len__(self):
        return self.n_frames

    def __getitem__(self, i):
        if self.dataset is None:
            self.dataset = h5py.File(self.path)[self.name]
        return self.dataset[i]

    def __getstate__(self):
        return {**self.__dict__, "dataset": None}


frames_of_worker = None


def start_worker(frames):
    global frames_of_worker
    frames_of_worker = frames


def load(i):
    return i, float(frames_of_worker[i].mean())


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("path", nargs="?", help="an HDF5 file [made-up frames]")
    parser.add_argument("dataset", nargs="?", default="frames", help="a dataset of frames in it [%(default)s]")
    parser.add_argument("--workers", type=int, default=2, help="processes [%(default)s]")
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        path = arguments.path
        if path is None:
            path = Path(folder, "frames.h5")
            with h5py.File(path, "w") as file:
                made_up = np.random.default_rng(1).poisson(np.arange(100)[:, None, None], (100, 128, 128))
                # A frame costs the decoding of its chunk: small chunks suit random order.
                h5h264.write(file, "frames", made_up.astype("uint16"), chunks=(4, 128, 128))
        frames = Frames(path, arguments.dataset)
        order = np.random.default_rng(2).permutation(len(frames))
        start = time.perf_counter()
        with multiprocessing.get_context("spawn").Pool(arguments.workers, start_worker, [frames]) as pool:
            means = dict(pool.imap_unordered(load, order, chunksize=8))
        seconds = time.perf_counter() - start
    print(f"{len(means)} frames by {arguments.workers} processes in {seconds:.2f} s")
    print("the brightest frame is", max(means, key=means.get))


if __name__ == "__main__":
    main()
