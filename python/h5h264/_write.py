"""Writing on all cores, of frames that need not fit into memory."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, Optional, Union

import h5py
import numpy as np

from . import _library
from ._chunks import chunks as advised_chunks
from ._filter import H264, options_of
from ._grid import DirectChunks, direct_chunks, frames_from
from ._mpi import SharedFrames, sharing
from ._parallel import n_threads, ordered_map
from ._progress import progress_bar
from ._source import Source, source_of


def write(
    group: h5py.Group,
    name: Optional[str],
    frames: Any,
    *,
    preset: Union[str, H264] = "ultrafast",
    chunks: Union[tuple[int, ...], bool, None] = None,
    threads: Optional[int] = None,
    progress: Optional[bool] = None,
    append: bool = False,
    **create_dataset: Any,
) -> h5py.Dataset:
    """Writes frames to a new dataset, with the chunks encoded on all cores, outside HDF5's lock.

    The stored chunks are those, byte for byte, that `group.create_dataset(name, data=frames,
    compression=H264(preset), ...)` makes. Only as many frames as are being encoded are in memory.

    Parameters
    ----------
    group
        The file or group.
    name
        The dataset's name there; None for a dataset without one.
    frames
        An array; or anything with a shape, a dtype and slices: a memory map, another dataset, a
        dask array; or an iterable of frames of one shape and type, a generator for example. From an
        iterable, the dataset is resizable along time.

        In a file that several processes have opened through MPI (`driver="mpio"`), all of them call this,
        with the same arguments and each with its own frames: an array or a list of any length, or None. The
        dataset has those of the first process, then those of the second, and so on.
    preset
        A preset's name, or options, `H264`.
    chunks
        The chunk shape; default: `h5h264.chunks`.
    threads
        Chunks to encode at once; default: the cores that the process may use.
    progress
        Whether to show a bar, with tqdm; default: if it is installed and stderr is a terminal.
    append
        Whether the frames go to the end of the dataset if it exists, whose shape, type and options
        stay as they are.
    **create_dataset
        Further arguments for `create_dataset`: `maxshape`, `fillvalue`, `dtype`, `shuffle`...

    Returns
    -------
    h5py.Dataset
        The dataset. If anything fails, a frame or the disk, a new dataset is deleted again, and one
        that was appended to has its old length.

    Raises
    ------
    ValueError
        The dataset exists and `append` is False, or can't be appended to; a frame differs from the first
        in shape or type; frames have no pixels; the options do not fit.
    TypeError
        HDF5 or the filter do not take the type.
    """
    if not isinstance(group, h5py.Group):
        raise TypeError(f"group is a {type(group).__name__} (expected an HDF5 file or group of h5py)")
    for argument in ("compression", "compression_opts", "data", "shape"):
        if argument in create_dataset:
            raise TypeError(f"{argument} is not an argument of write (expected frames, and options as preset)")
    n = n_threads(threads)
    options = options_of(preset)
    with sharing(group) as communicator:
        if communicator is not None:
            settings = {"preset": options, "chunks": chunks, "threads": threads, "append": append, **create_dataset}
            return _write_together(communicator, group, name, frames, settings, progress)
    source = source_of(frames)
    if append and name is not None and name in group:
        dataset = group[name]
        _check_appendable(dataset, source)
        with _old_length_on_failure(dataset):
            _Writer(dataset, n, progress, is_new=False).write(source)
        return dataset
    if name is not None and name in group:
        raise ValueError(f"name already exists: {name!r} in {group.name} (append=True adds frames to it)")
    if append or not source.n_frames:
        create_dataset.setdefault("maxshape", (None, *source.frame_shape))
    shape = (source.n_frames or 0, *source.frame_shape)
    if 0 in source.frame_shape:
        raise ValueError(f"frames of shape {source.frame_shape} have no pixels")
    dtype = create_dataset.pop("dtype", None) or source.dtype
    if chunks is None or chunks is True:
        chunks = advised_chunks(shape, dtype)
    with _deleted_on_failure(group, name):
        dataset = group.create_dataset(
            name, shape, dtype, chunks=chunks, compression=options, **create_dataset
        )
        _Writer(dataset, n, progress, is_new=True).write(source)
    return dataset


def _write_together(
    communicator: Any,
    group: h5py.Group,
    name: Optional[str],
    frames: Any,
    settings: dict[str, Any],
    progress: Optional[bool],
) -> h5py.Dataset:
    """All processes that have the file open write their frames to one dataset."""
    shared = SharedFrames(communicator, frames, f"{name!r} in {group.name}, {settings}")
    options, chunks = settings.pop("preset"), settings.pop("chunks")
    if settings.pop("append"):
        raise ValueError("a dataset in a file that is open through MPI can't be appended to: append is True")
    if settings.pop("threads") is not None:
        raise ValueError(
            "threads can't be chosen for a file that is open through MPI, where HDF5's filter encodes "
            "(expected None; H5H264_THREADS holds for each process)"
        )
    if np.dtype(settings.setdefault("dtype", shared.dtype)) != shared.dtype:
        raise ValueError(
            f"dtype is {settings['dtype']} (expected {shared.dtype}, that of the frames: HDF5 converts none that are "
            "written through MPI)"
        )
    if name is not None and name in group:
        raise ValueError(f"name already exists: {name!r} in {group.name}")
    if 0 in shared.frame_shape:
        raise ValueError(f"frames of shape {shared.frame_shape} have no pixels")
    if not shared.n_frames:
        settings.setdefault("maxshape", (None, *shared.frame_shape))
    shape = (shared.n_frames, *shared.frame_shape)
    if chunks is None or chunks is True:
        chunks = advised_chunks(shape, shared.dtype)
    with _deleted_on_failure(group, name):
        dataset = group.create_dataset(name, shape, chunks=chunks, compression=options, **settings)
        try:
            shared.write(dataset, progress)
        except BaseException:
            # What is deleted goes when it is closed, which all processes have to do at the same time.
            dataset.id.close()
            raise
    return dataset


def _check_appendable(dataset: Any, source: Source) -> None:
    if not isinstance(dataset, h5py.Dataset) or dataset.shape is None or dataset.ndim == 0:
        raise ValueError(
            f"{dataset.name} can't be appended to (expected a dataset of one dimension at least)"
        )
    if dataset.shape[1:] != source.frame_shape:
        raise ValueError(
            f"frames of shape {source.frame_shape} (expected {dataset.shape[1:]}, as in {dataset.name})"
        )
    if dataset.dtype != source.dtype:
        raise ValueError(f"frames of type {source.dtype} (expected {dataset.dtype}, as in {dataset.name})")
    if dataset.file.mode == "r":
        raise ValueError(f"{dataset.name} can't be appended to: its file is open for reading")
    _check_room(dataset, len(dataset) + (source.n_frames or 0))


def _check_room(dataset: h5py.Dataset, n_frames: int) -> None:
    most = dataset.maxshape[0]
    if most is not None and n_frames > most:
        raise ValueError(f"{n_frames} frames do not fit {dataset.name} (expected at most {most})")


@contextmanager
def _deleted_on_failure(group: h5py.Group, name: Optional[str]) -> Iterator[None]:
    new = None if name is None else _first_new(group, name)
    try:
        yield
    except BaseException:
        if new is not None and new in group:
            del group[new]
        raise


def _first_new(group: h5py.Group, name: str) -> Optional[str]:
    """The first of the groups on the way to a name that is not there yet, or the name itself."""
    steps = list(itertools.accumulate(name.split("/"), "{}/{}".format))
    return next((step for step in steps if step and step not in group), None)


@contextmanager
def _old_length_on_failure(dataset: h5py.Dataset) -> Iterator[None]:
    n_frames = len(dataset)
    try:
        yield
    except BaseException:
        dataset.resize(n_frames, axis=0)
        raise


def _fill_value(dataset: h5py.Dataset) -> Optional[Any]:
    """What the chunks at the edges are filled up with; None if HDF5 had better do it: bytes between the
    fields of records, or a dataset that is not to be filled."""
    plist = dataset.id.get_create_plist()
    is_filled = (
        plist.fill_value_defined() != h5py.h5d.FILL_VALUE_UNDEFINED
        and plist.get_fill_time() != h5py.h5d.FILL_TIME_NEVER
    )
    return dataset.fillvalue if is_filled and dataset.dtype.kind != "V" else None


class _Block(NamedTuple):
    """What goes to one chunk, or a part of it at the edges of the dataset."""

    offset: tuple[int, ...]
    content: np.ndarray


class _Writer:
    """Writes frames to a new dataset, or to the end of one."""

    def __init__(self, dataset: h5py.Dataset, n: int, progress: Optional[bool], is_new: bool) -> None:
        self.dataset, self.n, self.progress = dataset, n, progress
        self.start = 0 if is_new else len(dataset)
        self.chunks = direct_chunks(dataset)
        # Datasets of other programs may keep the chunks at their edges unfiltered.
        self.fill_value = _fill_value(dataset) if is_new else None
        self.n_threads_each = 1

    def write(self, source: Source) -> None:
        self.grow(self.start + (source.n_frames or 0))
        # `dtype=` may have made it another: then HDF5 converts.
        if source.dtype != self.dataset.dtype:
            self.chunks = None
        frame_bytes = math.prod(source.frame_shape) * source.dtype.itemsize
        total = None if source.n_expected is None else source.n_expected * frame_bytes
        with progress_bar(self.progress, total, f"writing {self.dataset.name}") as advance:
            if self.chunks is None:
                self.write_through_hdf5(source, advance)
            else:
                self.write_chunks(source, self.chunks, advance)

    def write_through_hdf5(self, source: Source, advance: Any) -> None:
        chunk_length = self.dataset.chunks[0] if self.dataset.chunks else 1
        for t, slab in self.slabs(source, chunk_length):
            self.dataset[t : t + len(slab)] = slab
            advance(slab.nbytes)

    def write_chunks(self, source: Source, chunks: DirectChunks, advance: Any) -> None:
        if source.n_frames is not None:
            n_chunks = frames_from(0, source.n_frames, self.dataset.shape).n_parts(chunks.shape)
            self.n_threads_each = max(1, self.n // max(1, n_chunks))
        slabs = self.slabs(source, chunks.shape[0])
        blocks = itertools.chain.from_iterable(self.blocks(t, slab, chunks) for t, slab in slabs)
        for block, stored in ordered_map(self.n, self.encode, blocks):
            if stored is None:
                self.dataset[self.place(block)] = block.content
            else:
                self.dataset.id.write_direct_chunk(block.offset, stored)
            advance(block.content.nbytes)

    def slabs(self, source: Source, chunk_length: int) -> Iterator[tuple[int, np.ndarray]]:
        """Frames that share chunks, with the number of the first."""
        # The first may complete a chunk that is there.
        n_missing = -self.start % chunk_length
        t = self.start
        for slab in source.slabs(chunk_length, n_missing or chunk_length):
            self.grow(t + len(slab))
            yield t, slab
            t += len(slab)

    def grow(self, n_frames: int) -> None:
        if self.dataset.shape[0] < n_frames:
            _check_room(self.dataset, n_frames)
            self.dataset.resize(n_frames, axis=0)

    def blocks(self, t: int, slab: np.ndarray, chunks: DirectChunks) -> Iterator[_Block]:
        selection = frames_from(t, t + len(slab), self.dataset.shape)
        for part in selection.parts(chunks.shape):
            offset = (part.offset[0] + (part.source[0].start or 0), *part.offset[1:])
            yield _Block(offset, slab[part.target])

    def place(self, block: _Block) -> tuple[slice, ...]:
        return tuple(slice(o, o + n) for o, n in zip(block.offset, block.content.shape))

    def encode(self, block: _Block) -> Optional[bytes]:
        """In a thread of its own: what to store, or None for what HDF5 has to add to a chunk."""
        chunks = self.chunks
        if chunks is None or block.offset[0] % chunks.shape[0] != 0:
            return None
        if block.content.shape == chunks.shape:
            content = block.content
            if chunks.dtype.kind == "V":
                # Of records, NumPy would copy the fields, and not the bytes between them.
                content = content.view(f"V{chunks.dtype.itemsize}")
            content = np.ascontiguousarray(content)
        elif self.fill_value is None:
            return None
        else:
            content = np.full(chunks.shape, self.fill_value, chunks.dtype)
            content[tuple(map(slice, block.content.shape))] = block.content
        return _library.encode(chunks.cd_values, content, self.n_threads_each)
