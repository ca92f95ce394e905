"""Where frames come from: arrays and what looks like them, or iterables."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterable, Iterator
from typing import Any, Optional, Protocol

import numpy as np


class Source(Protocol):
    """Frames, slab by slab."""

    dtype: np.dtype
    frame_shape: tuple[int, ...]

    @property
    def n_frames(self) -> Optional[int]:
        """None if it is not known before the end."""

    @property
    def n_expected(self) -> Optional[int]:
        """For a progress bar: as `n_frames`, or a guess."""

    def slabs(self, n: int, n_first: int) -> Iterator[np.ndarray]:
        """All frames in their order, in arrays of `n`, of `n_first` to begin with, and of what is
        left at the end."""


def source_of(frames: Any) -> Source:
    """An error if frames are of no use, before anything is written."""
    if all(hasattr(frames, name) for name in ("shape", "dtype", "__getitem__")):
        return ArraySource(frames)
    if isinstance(frames, (str, bytes)) or not isinstance(frames, Iterable):
        raise TypeError(f"frames is a {type(frames).__name__} (expected an array or an iterable of frames)")
    return IterableSource(frames)


class ArraySource:
    """Anything with a shape, a dtype and slices."""

    def __init__(self, array: Any) -> None:
        self.array = array
        shape = tuple(array.shape or ())
        if not shape:
            raise ValueError("frames is a scalar (expected an array or an iterable of frames)")
        if any(n != n for n in shape):
            raise ValueError(f"frames has the shape {shape} (expected numbers: compute_chunk_sizes() finds them out)")
        self.dtype = np.dtype(array.dtype)
        self.n_frames: int = shape[0]
        self.frame_shape = shape[1:]
        self.n_expected: Optional[int] = self.n_frames

    def slabs(self, n: int, n_first: int) -> Iterator[np.ndarray]:
        start = 0
        # As many as there were: it may be a dataset that grows by what is written.
        while start < self.n_frames:
            stop = min(start + (n if start else n_first), self.n_frames)
            yield self.slab(start, stop)
            start = stop

    def slab(self, start: int, stop: int) -> np.ndarray:
        slab = np.asarray(self.array[start:stop])
        shape = (stop - start, *self.frame_shape)
        if slab.shape != shape or slab.dtype != self.dtype:
            raise ValueError(
                f"frames {start} to {stop} have come as {slab.dtype} × {slab.shape} "
                f"(expected {self.dtype} × {shape}, as frames has said)"
            )
        return slab


class IterableSource:
    """Frames that come one by one."""

    def __init__(self, frames: Iterable[Any]) -> None:
        self.n_frames: Optional[int] = None
        self.n_expected = operator.length_hint(frames) or None
        iterator = iter(frames)
        try:
            first = np.asarray(next(iterator))
        except StopIteration:
            raise ValueError(
                "frames is empty (expected one frame at least, whose shape and type count)"
            ) from None
        self.dtype, self.frame_shape = first.dtype, first.shape
        self.frames = itertools.chain([first], iterator)

    def slabs(self, n: int, n_first: int) -> Iterator[np.ndarray]:
        n_wanted, n_before = n_first, 0
        while True:
            slab = self.collect(n_wanted, n_before)
            if len(slab):
                yield slab
            if len(slab) < n_wanted:
                return
            n_wanted, n_before = n, n_before + len(slab)

    def collect(self, n: int, n_before: int) -> np.ndarray:
        # Records may have bytes between their fields, which nobody writes.
        slab = (np.zeros if self.dtype.kind == "V" else np.empty)((n, *self.frame_shape), self.dtype)
        n_found = 0
        # Not zip, which would take a frame too many.
        for frame in itertools.islice(self.frames, n):
            slab[n_found] = self.checked(np.asarray(frame), n_before + n_found)
            n_found += 1
        return slab[:n_found]

    def checked(self, frame: np.ndarray, t: int) -> np.ndarray:
        if frame.shape != self.frame_shape:
            raise ValueError(
                f"frame {t} has the shape {frame.shape} (expected {self.frame_shape}, as frame 0)"
            )
        if frame.dtype != self.dtype:
            raise ValueError(f"frame {t} has the type {frame.dtype} (expected {self.dtype}, as frame 0)")
        return frame
