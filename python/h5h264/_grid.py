"""Datasets as grids of chunks, and which parts of which chunks a selection takes."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Iterator
from typing import Any, NamedTuple, Optional

import h5py
import numpy as np

from ._filter import FILTER_ID, pipeline


class DirectChunks(NamedTuple):
    """What it takes to code the chunks of a dataset outside HDF5."""

    cd_values: tuple[int, ...]
    shape: tuple[int, ...]
    dtype: np.dtype

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


def direct_chunks(dataset: h5py.Dataset) -> Optional[DirectChunks]:
    """None where the bytes of a stored chunk are not just this filter's work on the array's bytes:
    other filters take part, or HDF5 converts types. Then HDF5 has to do it."""
    if dataset.chunks is None or dataset.dtype.subdtype is not None or dataset.dtype.hasobject:
        return None
    filters = pipeline(dataset)
    if [filter_id for filter_id, _ in filters] != [FILTER_ID]:
        return None
    if h5py.h5t.py_create(dataset.dtype, logical=True) != dataset.id.get_type():
        return None
    return DirectChunks(filters[0][1], dataset.chunks, dataset.dtype)


class Part(NamedTuple):
    """A chunk's part in a selection."""

    #: Of the chunk, in elements of the dataset.
    offset: tuple[int, ...]
    #: What is taken of the chunk.
    source: tuple[slice, ...]
    #: Where it goes.
    target: tuple[slice, ...]


class Selection(NamedTuple):
    """A selection by numbers and slices."""

    axes: tuple[range, ...]
    #: Whether an axis was selected by a number, and so is none of the result.
    is_number: tuple[bool, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(len(axis) for axis, is_number in zip(self.axes, self.is_number) if not is_number)

    def with_all_axes(self, array: np.ndarray) -> np.ndarray:
        """A view of an array of the selection's shape that has an axis for each of the dataset's."""
        return array[tuple(np.newaxis if is_number else slice(None) for is_number in self.is_number)]

    def parts(self, chunk_shape: tuple[int, ...]) -> Iterator[Part]:
        """The chunks that the selection touches, in C order."""
        per_axis = [list(_parts_of_axis(axis, n)) for axis, n in zip(self.axes, chunk_shape)]
        for combination in itertools.product(*per_axis):
            offset, source, target = zip(*combination)
            yield Part(offset, source, target)

    def n_parts(self, chunk_shape: tuple[int, ...]) -> int:
        return math.prod(len(list(_parts_of_axis(axis, n))) for axis, n in zip(self.axes, chunk_shape))


def frames_from(start: int, stop: int, shape: tuple[int, ...]) -> Selection:
    """All of some frames: slices along the first axis."""
    return Selection((range(start, stop), *map(range, shape[1:])), (False,) * len(shape))


def basic_selection(selection: Any, shape: tuple[int, ...]) -> Optional[Selection]:
    """None for what is not made of numbers within the shape, rising slices and an ellipsis."""
    keys = list(selection) if isinstance(selection, tuple) else [selection]
    ellipses = [i for i, key in enumerate(keys) if key is Ellipsis]
    if len(ellipses) > 1:
        return None
    at = ellipses[0] if ellipses else len(keys)
    n_left_out = len(shape) - (len(keys) - len(ellipses))
    if n_left_out < 0:
        return None
    keys[at : at + 1] = [slice(None)] * n_left_out
    axes, is_number = [], []
    for key, n in zip(keys, shape):
        axis = _axis(key, n)
        if axis is None:
            return None
        axes.append(axis)
        is_number.append(not isinstance(key, slice))
    return Selection(tuple(axes), tuple(is_number))


def _axis(key: Any, n: int) -> Optional[range]:
    if isinstance(key, slice):
        try:
            start, stop, step = key.indices(n)
        except (TypeError, ValueError):
            return None
        return range(start, stop, step) if step > 0 else None
    if isinstance(key, (bool, np.bool_, np.ndarray)):
        return None
    try:
        i = operator.index(key)
    except TypeError:
        return None
    return range(i % n, i % n + 1) if -n <= i < n else None


def _parts_of_axis(axis: range, chunk_length: int) -> Iterator[tuple[int, slice, slice]]:
    if len(axis) == 0:
        return
    for k in range(axis[0] // chunk_length, axis[-1] // chunk_length + 1):
        offset = k * chunk_length
        first, last = _position(axis, offset), _position(axis, offset + chunk_length)
        if first < last:
            source = slice(axis[first] - offset, axis[last - 1] - offset + 1, axis.step)
            yield offset, source, slice(first, last)


def _position(axis: range, index: int) -> int:
    """How many elements of the axis are below an index."""
    return min(len(axis), max(0, -((axis.start - index) // axis.step)))
