"""Files that several processes have opened together, through MPI: `h5py.File(..., driver="mpio")`.

Direct chunk writes are not for these: each process would have its own idea of where in the file a chunk is.
So HDF5 writes, all processes together, and its filter encodes.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Callable, NamedTuple, Optional, TypeVar

import h5py
import numpy as np

from ._progress import progress_bar
from ._source import ArraySource, IterableSource

_T = TypeVar("_T")

#: Frames that a process gives to HDF5 at a time, in bytes, as long as they fill a chunk.
_ROUND_BYTES = 64 * 2**20


@contextmanager
def sharing(group: h5py.Group) -> Iterator[Any]:
    """The communicator of the processes that have opened a file together; None for other files. All of them
    have to ask."""
    communicator = _communicator(group)
    try:
        yield communicator
    finally:
        if communicator is not None:
            communicator.Free()


def _communicator(group: h5py.Group) -> Any:
    if not h5py.get_config().mpi:
        return None
    access = group.file.id.get_access_plist()
    if access.get_driver() != h5py.h5fd.MPIO:
        return None
    communicator, info = access.get_fapl_mpio()
    if info:  # is one, and not INFO_NULL
        info.Free()
    return communicator


def write_together(dataset: h5py.Dataset, spans: Sequence[tuple[int, int]], frames: Optional[np.ndarray]) -> None:
    """Writes frames, contiguous in memory, to spans of the dataset, each from a frame up to another. All processes have to
    call this, also those that have nothing to write: no span, and None."""
    transfer = h5py.h5p.create(h5py.h5p.DATASET_XFER)
    transfer.set_dxpl_mpio(h5py.h5fd.MPIO_COLLECTIVE)
    space = dataset.id.get_space()
    space.select_none()
    for start, stop in spans:
        shape = (stop - start, *dataset.shape[1:])
        space.select_hyperslab((start, *(0 for _ in shape[1:])), shape, op=h5py.h5s.SELECT_OR)
    if frames is not None:
        memory = h5py.h5s.create_simple(frames.shape)
    else:
        frames, memory = np.empty(1, dataset.dtype), h5py.h5s.create_simple((1,))
        memory.select_none()
    dataset.id.write(memory, space, frames, dxpl=transfer)


def all_or_none(communicator: Any, error: Optional[BaseException]) -> None:
    """Raises an error of any process in all of them: one that goes on alone waits for ever."""
    errors = communicator.allgather(None if error is None else f"{type(error).__name__}: {error}")
    if error is not None:
        raise error
    for rank, message in enumerate(errors):
        if message is not None:
            raise RuntimeError(f"process {rank} of {len(errors)} has failed: {message}")


class _Given(NamedTuple):
    """What a process has given, for the others to compare."""

    n_frames: int
    frame_shape: Optional[tuple[int, ...]]
    dtype: Optional[np.dtype]
    settings: str


class SharedFrames:
    """The frames of all processes, one process after the other."""

    def __init__(self, communicator: Any, frames: Any, settings: str) -> None:
        """The settings are text that has to be the same in all processes."""
        self.communicator = communicator
        self.rank = communicator.rank
        self.mine: Optional[ArraySource] = None
        error = None
        try:
            self.mine = _source_of(frames)
        except BaseException as caught:
            error = caught
        all_or_none(communicator, error)
        given = communicator.allgather(_describe(self.mine, settings))
        self.frame_shape, self.dtype = _common(given)
        self.counts = [n for n, *_ in given]
        self.n_frames = sum(self.counts)

    def write(self, dataset: h5py.Dataset, progress: Optional[bool]) -> None:
        frame_bytes = int(np.prod(self.frame_shape)) * self.dtype.itemsize
        chunk_length = dataset.chunks[0]
        n = max(1, _ROUND_BYTES // (frame_bytes * chunk_length)) * chunk_length
        starts = itertools.accumulate(self.counts, initial=0)
        plans = [_rounds(start, start + count, chunk_length, n) for start, count in zip(starts, self.counts)]
        mine = plans[self.rank]
        first = sum(self.counts[: self.rank])
        with ExitStack() as stack:
            bar = progress_bar(
                progress if self.rank == 0 else False, self.counts[0] * frame_bytes, f"writing {dataset.name}"
            )
            advance = self.agreed(lambda: stack.enter_context(bar))
            for i in range(max(map(len, plans))):
                spans = mine[i] if i < len(mine) else []
                frames = self.agreed(lambda: self.frames([(start - first, stop - first) for start, stop in spans]))
                self.agreed(lambda: write_together(dataset, spans, frames))
                self.agreed(lambda: advance(0 if frames is None else frames.nbytes))

    def agreed(self, work: Callable[[], _T]) -> _T:
        """What the work gives, or an error if it fails in any process."""
        error, result = None, None
        try:
            result = work()
        except BaseException as caught:
            error = caught
        all_or_none(self.communicator, error)
        return result  # type: ignore[return-value] # there was no error

    def frames(self, spans: list[tuple[int, int]]) -> Optional[np.ndarray]:
        """The frames of this process in these spans, one after the other in memory; None if there are none."""
        if self.mine is None or not spans:
            return None
        slabs = [self.mine.slab(start, stop) for start, stop in spans]
        return np.ascontiguousarray(slabs[0] if len(slabs) == 1 else np.concatenate(slabs))


def _rounds(start: int, stop: int, chunk_length: int, n: int) -> list[list[tuple[int, int]]]:
    """The frames from `start` to `stop`, in spans of whole chunks of `n` frames at most. What other processes
    may have a part of comes first, in all processes at the same time, so that no chunk is encoded twice."""
    inner_start = min(stop, -(-start // chunk_length) * chunk_length)
    inner_stop = max(inner_start, stop // chunk_length * chunk_length)
    shared = [span for span in ((start, inner_start), (inner_stop, stop)) if span[0] < span[1]]
    inner = [[(t, min(t + n, inner_stop))] for t in range(inner_start, inner_stop, n)]
    return [shared, *inner]


def _source_of(frames: Any) -> Optional[ArraySource]:
    """None for a process without frames."""
    if frames is None:
        return None
    if all(hasattr(frames, name) for name in ("shape", "dtype", "__getitem__")):
        return ArraySource(frames)
    if isinstance(frames, (list, tuple)):
        return ArraySource(IterableSource(frames).collect(len(frames), 0)) if frames else None
    raise TypeError(
        f"frames is a {type(frames).__name__} (expected an array, a list or None: the processes of a file that is "
        "open through MPI have to know how many frames there are)"
    )


def _describe(mine: Optional[ArraySource], settings: str) -> _Given:
    if mine is None:
        return _Given(0, None, None, settings)
    return _Given(mine.n_frames, mine.frame_shape, mine.dtype, settings)


def _common(given: list[_Given]) -> tuple[tuple[int, ...], np.dtype]:
    for rank, (_, _, _, settings) in enumerate(given):
        if settings != given[0].settings:
            raise ValueError(
                f"process {rank} writes with other arguments than process 0: {settings} "
                f"(expected {given[0].settings})"
            )
    # An empty array may have any shape, as long as there are frames elsewhere.
    counted = [(rank, one) for rank, one in enumerate(given) if one.n_frames]
    counted = counted or [(rank, one) for rank, one in enumerate(given) if one.dtype is not None]
    if not counted:
        raise ValueError("frames is None in all processes (expected frames in one at least)")
    first, expected = counted[0]
    for rank, one in counted:
        if (one.frame_shape, one.dtype) != (expected.frame_shape, expected.dtype):
            raise ValueError(
                f"frames of process {rank} are {one.dtype} × {one.frame_shape} "
                f"(expected {expected.dtype} × {expected.frame_shape}, as those of process {first})"
            )
    assert expected.frame_shape is not None and expected.dtype is not None
    return expected.frame_shape, expected.dtype
