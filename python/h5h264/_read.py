"""Reading on all cores."""

from __future__ import annotations

from typing import Any, NamedTuple, Optional

import h5py
import numpy as np

from . import _library
from ._grid import DirectChunks, Part, Selection, basic_selection, direct_chunks
from ._parallel import n_threads, ordered_map
from ._progress import progress_bar


def read(
    dataset: h5py.Dataset,
    selection: Any = ...,
    *,
    out: Optional[np.ndarray] = None,
    threads: Optional[int] = None,
    progress: Optional[bool] = None,
) -> Any:
    """`dataset[selection]`, with the chunks decoded on all cores, outside HDF5's lock.

    What h5py gives for the selection, this gives; for a selection by lists or masks, a dataset
    that has other filters, or none, h5py does the work.

    Parameters
    ----------
    dataset
        The dataset.
    selection
        As between the brackets of `dataset[...]`.
    out
        An array of the selection's shape to read into, and to return. If it has another type,
        HDF5 converts.
    threads
        Chunks to decode at once; default: the cores that the process may use.
    progress
        Whether to show a bar, with tqdm; default: if it is installed and stderr is a terminal.

    Raises
    ------
    OSError
        A chunk is damaged.
    ValueError, TypeError, IndexError
        h5py's, for the selection; `out` has another shape than the selection.
    """
    if not isinstance(dataset, h5py.Dataset):
        raise TypeError(f"dataset is a {type(dataset).__name__} (expected a dataset of h5py)")
    n = n_threads(threads)
    _check_out(out)
    chosen = None if dataset.shape is None else basic_selection(selection, dataset.shape)
    chunks = direct_chunks(dataset) if chosen is not None and all(map(len, chosen.axes)) else None
    if chosen is None or chunks is None or (out is not None and out.dtype != dataset.dtype):
        return _read_plainly(dataset, selection, out)
    if out is None:
        result = np.empty(chosen.shape, chunks.dtype)
    elif out.shape == chosen.shape:
        result = out
    else:
        raise ValueError(f"out has the shape {out.shape} (expected {chosen.shape}, that of the selection)")
    _ChunkReader(dataset, chunks, chosen.with_all_axes(result)).read(chosen, n, progress)
    return result if out is not None or result.ndim else result[()]


def as_dask(dataset: h5py.Dataset) -> Any:
    """A dask array of a dataset: one block for each chunk, read by the workers.

    The array holds the file's name, and its workers open the file for each block, so that it can be sent
    to other processes and machines that see the file by the same name. The file may be closed meanwhile.

    Raises
    ------
    ValueError
        The file is open for writing (but for SWMR), or is none that others can open.
    ImportError
        dask is not installed.
    """
    from . import dask

    return dask.as_dask(dataset)


def _check_out(out: Any) -> None:
    if out is None:
        return
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out is a {type(out).__name__} (expected a NumPy array)")
    if not out.flags.writeable:
        raise ValueError("out can't be written to")


def _read_plainly(dataset: h5py.Dataset, selection: Any, out: Optional[np.ndarray]) -> Any:
    if out is None:
        return dataset[selection]
    found = dataset.astype(out.dtype)[selection]
    if np.shape(found) != out.shape:
        raise ValueError(f"out has the shape {out.shape} (expected {np.shape(found)}, that of the selection)")
    out[...] = found
    return out


class _Stored(NamedTuple):
    part: Part
    filter_mask: int
    #: None for a chunk that HDF5 does not give.
    stored: Optional[bytes]


class _ChunkReader:
    def __init__(self, dataset: h5py.Dataset, chunks: DirectChunks, target: np.ndarray) -> None:
        self.dataset, self.chunks, self.target = dataset, chunks, target
        self.n_threads_each = 1

    def read(self, selection: Selection, n: int, progress: Optional[bool]) -> None:
        n_parts = selection.n_parts(self.chunks.shape)
        n_at_once = min(n, n_parts)
        self.n_threads_each = n // n_at_once
        stored = (self.fetch(part) for part in selection.parts(self.chunks.shape))
        total = n_parts * self.chunks.nbytes
        with progress_bar(progress, total, f"reading {self.dataset.name}") as advance:
            for chunk, is_done in ordered_map(n_at_once, self.decode, stored):
                if not is_done:
                    self.read_through_hdf5(chunk.part)
                advance(self.chunks.nbytes)

    def fetch(self, part: Part) -> _Stored:
        # To ask whether a chunk is there takes longer, the more chunks there are.
        try:
            return _Stored(part, *self.dataset.id.read_direct_chunk(part.offset))
        except (OSError, RuntimeError):
            return _Stored(part, 0, None)

    def decode(self, chunk: _Stored) -> bool:
        """In a thread of its own; whether it could be done."""
        part, filter_mask, stored = chunk
        if stored is None:
            return False
        target = self.target[part.target]
        is_whole = target.shape == self.chunks.shape and target.flags.c_contiguous
        try:
            if filter_mask & 1:
                content = np.frombuffer(stored, self.chunks.dtype).reshape(self.chunks.shape)
            else:
                content = target if is_whole else np.empty(self.chunks.shape, self.chunks.dtype)
                _library.decode(self.chunks.cd_values, stored, content, self.n_threads_each)
        except (OSError, ValueError):
            return False
        if content is not target:
            target[...] = content[part.source]
        return True

    def read_through_hdf5(self, part: Part) -> None:
        """A chunk that was never written has the fill value; one that can't be decoded is an error, unless
        HDF5 knows better: it can be told to leave the chunks at the edges unfiltered."""
        stop = [min(o + c, n) for o, c, n in zip(part.offset, self.chunks.shape, self.dataset.shape)]
        within = tuple(map(slice, part.offset, stop))
        try:
            self.target[part.target] = self.dataset[within][part.source]
        except OSError as error:
            raise OSError(f"{self.dataset.name}, chunk at {part.offset}: {error}") from error
