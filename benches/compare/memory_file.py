"""HDF5 files in memory: no disk is measured."""

from contextlib import contextmanager

import h5py
import numpy as np

from .timing import Stopwatch

# HDF5 enlarges the file by this at a time.
BLOCK_BYTES = 1 << 24


@contextmanager
def new():
    with h5py.File("bench.h5", "w", driver="core", backing_store=False, block_size=BLOCK_BYTES) as file:
        yield file


@contextmanager
def opened(image):
    """Opens, to read, what `file.id.get_file_image()` gave; HDF5's chunk cache is empty."""
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    access.set_fapl_core(BLOCK_BYTES, False)
    access.set_file_image(image)
    with h5py.File(h5py.h5f.open(b"bench.h5", h5py.h5f.ACC_RDONLY, fapl=access)) as file:
        yield file


def write(file, frames, chunk_frames, options):
    """Stores frames; the dataset, and the seconds from the first call to the last encoded chunk."""
    chunks = (min(chunk_frames, len(frames)), *frames.shape[1:])
    with Stopwatch() as watch:
        dataset = file.create_dataset("frames", data=frames, chunks=chunks, **options)
        file.flush()
    return dataset, watch.seconds


def is_filtered(dataset):
    """Whether every stored chunk went through the filter: HDF5 skips an optional one that fails."""
    chunks = (dataset.id.get_chunk_info(i) for i in range(dataset.id.get_num_chunks()))
    return all(chunk.filter_mask == 0 for chunk in chunks)


def same_bits(a, b):
    """Whether two arrays are the same, NaNs and signed zeros included."""
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    return np.array_equal(a.view(f"u{a.itemsize}"), b.view(f"u{b.itemsize}"))
