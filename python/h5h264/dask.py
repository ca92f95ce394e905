"""Dask: arrays of stored frames, and writing of dask arrays, with the coding done by the workers.

>>> from distributed import Client
>>> client = Client("tcp://scheduler:8786")
>>> client.register_plugin(h5h264.dask.WorkerPlugin())
>>> with h5py.File("raw.h5") as raw, h5py.File("corrected.h5", "w") as file:
...     frames = h5h264.as_dask(raw["frames"])
...     h5h264.write(file, "frames", frames - 100)

This module imports dask, so `import h5h264` does not import this module.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import dask
import dask.array
import dask.base
import h5py
import numpy as np
from dask.core import flatten
from dask.optimization import cull

from . import _library
from ._encoded import ChunkEncoder
from ._read import read

# How many chunks are encoded, or wait to be written, for each thread of the workers.
_CHUNKS_PER_THREAD = 4


try:
    from distributed import WorkerPlugin as _WorkerPlugin
except ImportError:
    _WorkerPlugin = object  # type: ignore[assignment, misc]


class WorkerPlugin(_WorkerPlugin):
    """For `client.register_plugin`: the filter is known in all workers, also to tasks that do not import this
    package, and codes with one thread, since dask runs several tasks at a time. `H5H264_THREADS` has the
    last word."""

    name = "h5h264"

    def setup(self, worker: Any) -> None:
        # To import this module has registered the filter.
        os.environ.setdefault("H5H264_THREADS", "1")


@dataclass(frozen=True)
class _StoredFrames:
    """A dataset by its name, for the workers to open. Looks like an array to dask."""

    path: str
    name: str
    swmr: bool
    shape: tuple[int, ...]
    dtype: np.dtype

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __getitem__(self, selection: Any) -> Any:
        with h5py.File(self.path, "r", swmr=self.swmr) as file:
            return read(file[self.name], selection, threads=1, progress=False)


def as_dask(dataset: h5py.Dataset) -> Any:
    """See `h5h264.as_dask`."""
    if not isinstance(dataset, h5py.Dataset):
        raise TypeError(f"dataset is a {type(dataset).__name__} (expected a dataset of h5py)")
    file = dataset.file
    if dataset.name is None or dataset.shape is None:
        raise ValueError("a dataset without a name or a shape can't be opened by workers")
    if file.mode != "r" and not file.swmr_mode:
        raise ValueError(f"{file.filename} is open for writing, so that workers can't open it (expected mode 'r')")
    path = Path(os.fsdecode(file.filename)).resolve()
    if not path.is_file():
        raise ValueError(f"{file.filename} is not a file that workers can open")
    status = path.stat()
    state = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
    return dask.array.from_array(
        _StoredFrames(str(path), dataset.name, file.swmr_mode, dataset.shape, dataset.dtype),
        chunks=dataset.chunks or "auto",
        name=f"h5h264-{dask.base.tokenize(str(path), dataset.name, dataset.shape, state)}",
        asarray=False,
        fancy=False,
        meta=np.empty((0,) * dataset.ndim, dataset.dtype),
    )


@dataclass(frozen=True)
class _Encode:
    """What the workers do with a block."""

    encoder: ChunkEncoder
    dtype: np.dtype

    def __call__(self, block: np.ndarray, block_info: Any = None) -> np.ndarray:
        """An array of one object, as dask wants it: the stored bytes, or the block where HDF5 has to code."""
        block = np.asarray(block)
        # dask takes the word of whoever has made the array for the type and shape of its blocks.
        shape = tuple(stop - start for start, stop in block_info[0]["array-location"])
        if (block.shape, block.dtype) != (shape, self.dtype):
            raise ValueError(f"a block of frames has come as {block.dtype} of {block.shape} (expected {self.dtype} of {shape})")
        stored = self.encoder(block, 1)
        coded = np.empty((1,) * block.ndim, object)
        coded[(0,) * block.ndim] = block if stored is None else stored
        return coded


def encoded_chunks(
    frames: Any, chunk_shape: tuple[int, ...], encoder: ChunkEncoder
) -> Iterator[tuple[tuple[int, ...], Any]]:
    """The chunks of a dask array, each with its offset, as they are done: bytes, or arrays where HDF5 has to
    code. Each block of the array is computed once, and a bounded number of chunks at a time."""
    blocks = frames.rechunk(chunk_shape)
    one_each = tuple((1,) * n for n in blocks.numblocks)
    meta = np.empty((0,) * blocks.ndim, object)
    coded = blocks.map_blocks(_Encode(encoder, frames.dtype), dtype=object, chunks=one_each, meta=meta)
    scheduler = dask.base.get_scheduler(collections=[coded]) or coded.__dask_scheduler__
    (coded,) = dask.base.optimize(coded)
    client = getattr(scheduler, "__self__", None)
    is_cluster = hasattr(client, "scheduler_info")
    results = _from_cluster(client, coded) if is_cluster else _from_threads_or_processes(scheduler, coded)
    for key, result in results:
        yield tuple(i * n for i, n in zip(key[1:], chunk_shape)), result.reshape(-1)[0]


class _Window(NamedTuple):
    """Some chunks, and what has to be computed for them."""

    targets: list[Any]
    #: Tasks that no window before had.
    tasks: list[Any]
    #: Those of the tasks whose results later windows need, too.
    kept: list[Any]
    #: Results of windows before that are needed.
    needed: list[Any]
    #: Results that no later window needs.
    dropped: list[Any]


def _windows(dependencies: dict[Any, Any], targets: list[Any], n: int) -> Iterator[_Window]:
    """Cuts a graph so that nothing is computed twice: what several windows need is kept as long."""
    first: dict[Any, int] = {}
    last: dict[Any, int] = {}
    n_windows = -(-len(targets) // n)
    tasks: list[list[Any]] = [[] for _ in range(n_windows)]
    needed: list[list[Any]] = [[] for _ in range(n_windows)]
    for i in range(n_windows):
        ahead = deque(targets[i * n : (i + 1) * n])
        seen = set(ahead)
        while ahead:
            key = ahead.popleft()
            if key in first:
                last[key] = i
                needed[i].append(key)
                continue
            first[key] = i
            tasks[i].append(key)
            new = [k for k in dependencies[key] if k not in seen]
            seen.update(new)
            ahead.extend(new)
    kept: list[list[Any]] = [[] for _ in range(n_windows)]
    dropped: list[list[Any]] = [[] for _ in range(n_windows)]
    for key, i in last.items():
        kept[first[key]].append(key)
        dropped[i].append(key)
    for i in range(n_windows):
        yield _Window(targets[i * n : (i + 1) * n], tasks[i], kept[i], needed[i], dropped[i])


def _graph(coded: Any) -> tuple[dict[Any, Any], dict[Any, Any], list[Any]]:
    targets = list(flatten(coded.__dask_keys__()))
    graph, dependencies = cull(dict(coded.__dask_graph__()), targets)
    return dict(graph), dependencies, targets


def _from_cluster(client: Any, coded: Any) -> Iterator[tuple[Any, Any]]:
    from distributed import as_completed

    graph, dependencies, targets = _graph(coded)
    n_threads = sum(client.nthreads().values()) or 1
    # Two windows at a time: one is computed while the other is written.
    windows = _windows(dependencies, targets, max(1, n_threads * _CHUNKS_PER_THREAD // 2))
    kept: dict[Any, Any] = {}
    running = as_completed(with_results=True)
    n_running = 0

    def submit() -> int:
        window = next(windows, None)
        if window is None:
            return 0
        part = {key: graph.pop(key) for key in window.tasks}
        part.update((key, kept[key]) for key in window.needed)
        futures = client.get(part, [*window.targets, *window.kept], sync=False)
        kept.update(zip(window.kept, futures[len(window.targets) :]))
        running.update(futures[: len(window.targets)])
        for key in window.dropped:
            # The tasks that need it are known to the scheduler.
            kept.pop(key).release()
        return len(window.targets)

    n_running += submit() + submit()
    n_low = n_running // 2
    while n_running:
        future, result = next(running)
        key = future.key
        future.release()
        n_running -= 1
        if n_running <= n_low:
            n_running += submit()
        yield key, result


def _from_threads_or_processes(scheduler: Any, coded: Any) -> Iterator[tuple[Any, Any]]:
    graph, dependencies, targets = _graph(coded)
    kept: dict[Any, Any] = {}
    for window in _windows(dependencies, targets, _CHUNKS_PER_THREAD * 2 * _library.n_threads()):
        part = {key: graph.pop(key) for key in window.tasks}
        part.update((key, _Value(kept[key]).task()) for key in window.needed)
        results = scheduler(part, [*window.targets, *window.kept])
        kept.update(zip(window.kept, results[len(window.targets) :]))
        for key in window.dropped:
            del kept[key]
        yield from zip(window.targets, results)


class _Value(NamedTuple):
    """A value that dask takes for one, whatever it is."""

    value: Any

    def __call__(self) -> Any:
        return self.value

    def task(self) -> Any:
        return (self,)
