"""Chunks that somebody else has encoded: workers of dask, of Ray, of a pool of processes."""

from __future__ import annotations

import operator
from collections.abc import Iterable
from typing import Any, NamedTuple, Optional

import h5py
import numpy as np

from . import _library
from ._grid import DirectChunks, direct_chunks


class ChunkEncoder(NamedTuple):
    """Makes what is stored for a chunk of what it contains, anywhere."""

    #: None where HDF5 has to code.
    chunks: Optional[DirectChunks]
    #: What the chunks at the edges are filled up with; None if HDF5 has to do that.
    fill_value: Optional[Any]

    def __call__(self, content: np.ndarray, n_threads: int) -> Optional[bytes]:
        """The bytes; None if HDF5 has to make them."""
        chunks = self.chunks
        if chunks is None:
            return None
        if content.shape == chunks.shape:
            if chunks.dtype.kind == "V":
                # Of records, NumPy would copy the fields, and not the bytes between them.
                content = content.view(f"V{chunks.dtype.itemsize}")
            content = np.ascontiguousarray(content)
        elif self.fill_value is None:
            return None
        else:
            whole = np.full(chunks.shape, self.fill_value, chunks.dtype)
            whole[tuple(map(slice, content.shape))] = content
            content = whole
        return _library.encode(chunks.cd_values, content, n_threads)


def write_encoded(dataset: h5py.Dataset, pairs: Iterable[Any], advance: Any) -> None:
    """Writes chunks, each with its offset, in any order. All of the dataset has to come."""
    chunks = direct_chunks(dataset)
    if chunks is None:
        raise ValueError(f"{dataset.name} can't take encoded chunks: it has other filters than h5h264, or no plain type")
    is_there = np.zeros([-(-n // c) for n, c in zip(dataset.shape, chunks.shape)], bool)
    for pair in pairs:
        offset, stored = _checked(pair, dataset, chunks)
        index = tuple(o // c for o, c in zip(offset, chunks.shape))
        if is_there[index]:
            raise ValueError(f"the chunk at {offset} has come twice")
        dataset.id.write_direct_chunk(offset, stored)
        is_there[index] = True
        advance(chunks.nbytes)
    if not is_there.all():
        missing = tuple(int(i) * c for i, c in zip(np.argwhere(~is_there)[0], chunks.shape))
        raise ValueError(
            f"{is_there.sum()} chunks have come (expected {is_there.size}, those of {dataset.shape}): "
            f"that at {missing} is missing"
        )


def _checked(pair: Any, dataset: h5py.Dataset, chunks: DirectChunks) -> tuple[tuple[int, ...], bytes]:
    try:
        given, stored = pair
        offset = tuple(operator.index(o) for o in given)
        stored = bytes(memoryview(stored))
    except (TypeError, ValueError):
        raise TypeError(f"an encoded chunk is {type(pair).__name__} (expected its offset and its bytes)") from None
    fits = len(offset) == len(chunks.shape) and all(
        0 <= o < n and o % c == 0 for o, n, c in zip(offset, dataset.shape, chunks.shape)
    )
    if not fits:
        raise ValueError(f"a chunk is at {offset} (expected a multiple of {chunks.shape} within {dataset.shape})")
    try:
        # Of chunks of another size, too, it says that they are damaged.
        _library.decoded_bytes(chunks.cd_values, stored)
    except OSError as error:
        raise OSError(
            f"{dataset.name}, chunk at {offset}: {error} (expected whole chunks, filled up at the edges)"
        ) from None
    return offset, stored
