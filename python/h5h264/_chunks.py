"""Chunk shapes that suit frames."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable
from typing import Any

import numpy as np

MIB = 2**20
#: The most bytes that a chunk should have, if a frame does not have more.
DEFAULT_TARGET = 16 * MIB
# More frames gain little, and each has to be decoded to get at one of them...
_ENOUGH_FRAMES = 10
# ...but what is less than this is decoded in no time, and smaller chunks cost more than they give.
_SMALL_BYTES = MIB
# A frame of more than so many targets is cut into bands of rows, of whole macroblocks.
_MAX_TARGETS = 4
_MACROBLOCK_LINES = 16


class ChunkShape(tuple[int, ...]):
    """A chunk shape for `chunks=`, with the size of a chunk and of the chunk cache that it needs."""

    #: Bytes of a chunk.
    nbytes: int
    #: For `h5py.File(..., rdcc_nbytes=)`: the smallest chunk cache with which a program that reads or writes
    #: frame by frame decodes or encodes each chunk only once.
    rdcc_nbytes: int

    def __new__(cls, chunk_shape: Iterable[int], nbytes: int, rdcc_nbytes: int) -> ChunkShape:
        self = super().__new__(cls, chunk_shape)
        self.nbytes = nbytes
        self.rdcc_nbytes = rdcc_nbytes
        return self

    def __reduce__(self) -> Any:
        return type(self), (tuple(self), self.nbytes, self.rdcc_nbytes)


def chunks(shape: Iterable[int], dtype: Any, target: int = DEFAULT_TARGET) -> ChunkShape:
    """Suggests a chunk shape for a dataset of frames: whole frames, about ten of them.

    Parameters
    ----------
    shape
        The shape of the dataset: (…, height, width), or (…, height, width, 3 or 4) for colour. A length of 0
        stands for one that is not known yet.
    dtype
        The type of the dataset.
    target
        The most bytes that a chunk should have, if a frame does not have more.

    Returns
    -------
    ChunkShape
        A tuple with two attributes: `nbytes`, the size of a chunk, and `rdcc_nbytes`, which programs that read or
        write frame by frame should pass to `h5py.File`.

    Raises
    ------
    ValueError, TypeError
        The shape has no dimensions or a negative length, or a length is not a whole number.
    """
    lengths = [operator.index(n) for n in shape]
    if not lengths or min(lengths) < 0:
        raise ValueError(f"shape is {tuple(lengths)} (expected at least one dimension, and no negative length)")
    if operator.index(target) < 1:
        raise ValueError(f"target is {target} (expected at least 1 byte)")
    item_bytes = np.dtype(dtype).itemsize
    n_last = _n_frame_dimensions(lengths)
    frame = [max(1, n) for n in lengths[len(lengths) - n_last :]]
    n_bands = _cut(frame, item_bytes, target)
    frame_bytes = math.prod(frame) * item_bytes
    room = max(1, min(target // frame_bytes, max(_ENOUGH_FRAMES, _SMALL_BYTES // frame_bytes)))
    leading: list[int] = []
    for n in reversed(lengths[: len(lengths) - n_last]):
        leading.insert(0, _even_part(n, room))
        room = max(1, room // leading[0]) if leading[0] == n else 1
    nbytes = math.prod(leading) * frame_bytes
    # HDF5's own default is the least that it makes sense to ask for.
    return ChunkShape((*leading, *frame), nbytes, max(MIB, nbytes * n_bands))


def _n_frame_dimensions(lengths: list[int]) -> int:
    """As the filter sees it (docs/cd_values.md): height and width, and colour after them."""
    n = 3 if len(lengths) > 1 and lengths[-1] in (3, 4) else 2
    return min(n, len(lengths))


def _cut(frame: list[int], item_bytes: int, target: int) -> int:
    """Cuts frames that are much too large into bands; the number of bands."""
    height = frame[0]
    limit = _MAX_TARGETS * target
    if math.prod(frame) * item_bytes <= limit:
        return 1
    row_bytes = math.prod(frame[1:]) * item_bytes
    most = max(1, limit // row_bytes)
    rows = (
        most if len(frame) == 1 or most < _MACROBLOCK_LINES else most // _MACROBLOCK_LINES * _MACROBLOCK_LINES
    )
    frame[0] = min(height, rows)
    return math.ceil(height / frame[0])


def _even_part(n: int, most: int) -> int:
    """At most `most` of `n`, so that the last chunk is not much emptier than the others."""
    if n == 0:
        return most
    return math.ceil(n / math.ceil(n / most))
