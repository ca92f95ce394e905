"""Writing on all cores, of frames that need not fit into memory."""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, Optional, Union

import h5py
import numpy as np

from ._chunks import chunks as advised_chunks
from ._encoded import ChunkEncoder, write_encoded
from ._filter import H264, options_of
from ._grid import DirectChunks, direct_chunks, frames_from
from ._mpi import SharedFrames, sharing
from ._parallel import n_threads, ordered_handover, ordered_map
from ._progress import progress_bar
from ._source import ArraySource, Source, source_of


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
    flush: Optional[str] = None,
    shape: Optional[tuple[int, ...]] = None,
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
        An array; or anything with a shape, a dtype and slices: a memory map, another dataset; or an
        iterable of frames of one shape and type, a generator for example. From an iterable, the dataset is
        resizable along time.

        A dask array is encoded by its workers, with one thread for each chunk; `threads` counts for nothing.

        With `shape`, an iterable of chunks that are encoded already: (offset, bytes of `encode`), in any order.

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
    flush
        "chunk": each chunk is flushed when it is complete, so that SWMR readers see its frames, and the
        dataset grows chunk by chunk. "end": HDF5 decides. Default: "chunk" if the file is in SWMR mode.
    shape
        The dataset's, for chunks that are encoded; `dtype` is needed with it, and `chunks` has to be that
        of the chunks. All chunks of the dataset have to come.
    **create_dataset
        Further arguments for `create_dataset`: `maxshape`, `fillvalue`, `dtype`, `shuffle`...

    Returns
    -------
    h5py.Dataset
        The dataset. If anything fails, a frame or the disk, a new dataset is deleted again, and one
        that was appended to has its old length, but for chunks that were flushed.

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
    for argument in ("compression", "compression_opts", "data"):
        if argument in create_dataset:
            raise TypeError(f"{argument} is not an argument of write (expected frames, and options as preset)")
    n = n_threads(threads)
    options = options_of(preset)
    if flush not in (None, "chunk", "end"):
        raise ValueError(f"flush is {flush!r} (expected 'chunk' or 'end')")
    with sharing(group) as communicator:
        if communicator is not None:
            settings = {"flush": flush, "preset": options, "chunks": chunks, "threads": threads, "append": append, "shape": shape, **create_dataset}
            return _write_together(communicator, group, name, frames, settings, progress)
    if shape is not None:
        if flush is not None:
            raise ValueError(f"chunks that are encoded are not flushed one by one: flush is {flush!r} and shape is given")
        return _write_encoded(group, name, frames, shape, options, chunks, append, progress, create_dataset)
    source = source_of(frames)
    if append and name is not None and name in group:
        dataset = group[name]
        _check_appendable(dataset, source)
        flushes = flush == "chunk" or (flush is None and group.file.swmr_mode)
        writer = _Writer(dataset, n, progress, is_new=False, flushes=flushes)
        with _complete_on_failure(writer):
            writer.write(source)
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
        _Writer(dataset, n, progress, is_new=True, flushes=flush == "chunk").write(source)
    return dataset


def _write_encoded(
    group: h5py.Group,
    name: Optional[str],
    pairs: Any,
    shape: tuple[int, ...],
    options: H264,
    chunks: Union[tuple[int, ...], bool, None],
    append: bool,
    progress: Optional[bool],
    create_dataset: dict[str, Any],
) -> h5py.Dataset:
    """Chunks that others have encoded."""
    if "dtype" not in create_dataset:
        raise TypeError("dtype is missing (expected the type of the frames, which encoded chunks do not know)")
    if append:
        raise ValueError("chunks that are encoded can't be appended: append is True and shape is given")
    if name is not None and name in group:
        raise ValueError(f"name already exists: {name!r} in {group.name}")
    dtype = create_dataset.pop("dtype")
    if chunks is None or chunks is True:
        chunks = advised_chunks(shape, dtype)
    total = math.prod(shape) * np.dtype(dtype).itemsize
    with _deleted_on_failure(group, name):
        dataset = group.create_dataset(name, shape, dtype, chunks=chunks, compression=options, **create_dataset)
        with progress_bar(progress, total, f"writing {dataset.name}") as advance:
            write_encoded(dataset, pairs, advance)
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
    # Property lists, which have no text that tells what is in them, are not compared.
    comparable = {k: v for k, v in settings.items() if not isinstance(v, (h5py.h5p.PropID, np.ndarray))}
    shared = SharedFrames(communicator, frames, f"{name!r} in {group.name}, {comparable}")
    options, chunks = settings.pop("preset"), settings.pop("chunks")
    settings.pop("flush")
    if settings.pop("shape") is not None:
        raise ValueError("chunks that are encoded can't be written to a file that is open through MPI: shape is given")
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


def _is_dask(array: Any) -> bool:
    # Whoever has such an array has imported dask.
    module = sys.modules.get("dask.array")
    return module is not None and isinstance(array, module.Array)


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
def _complete_on_failure(writer: _Writer) -> Iterator[None]:
    try:
        yield
    except BaseException:
        writer.dataset.resize(writer.n_complete, axis=0)
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
    #: Whether it is the last of its frames.
    is_last: bool


class _Writer:
    """Writes frames to a new dataset, or to the end of one."""

    def __init__(
        self, dataset: h5py.Dataset, n: int, progress: Optional[bool], is_new: bool, flushes: bool
    ) -> None:
        self.dataset, self.n, self.progress, self.flushes = dataset, n, progress, flushes
        self.start = 0 if is_new else len(dataset)
        #: Up to here the dataset is whole, and stays if something fails: what was flushed.
        self.n_complete = self.start
        self.chunks = direct_chunks(dataset)
        # Datasets of other programs may keep the chunks at their edges unfiltered.
        self.fill_value = _fill_value(dataset) if is_new else None
        self.n_threads_each = 1

    def write(self, source: Source) -> None:
        _check_room(self.dataset, self.start + (source.n_frames or 0))
        if not self.flushes:
            self.grow(self.start + (source.n_frames or 0))
        # `dtype=` may have made it another: then HDF5 converts.
        if source.dtype != self.dataset.dtype:
            self.chunks = None
        frame_bytes = math.prod(source.frame_shape) * source.dtype.itemsize
        total = None if source.n_expected is None else source.n_expected * frame_bytes
        with progress_bar(self.progress, total, f"writing {self.dataset.name}") as advance:
            array = source.array if isinstance(source, ArraySource) else None
            if _is_dask(array) and self.start % self.dataset.chunks[0] == 0:
                self.write_from_workers(array, advance)
            elif self.chunks is None:
                self.write_through_hdf5(source, advance)
            else:
                self.write_chunks(source, self.chunks, advance)

    def write_through_hdf5(self, source: Source, advance: Any) -> None:
        chunk_length = self.dataset.chunks[0] if self.dataset.chunks else 1
        for t, slab in self.slabs(source, chunk_length):
            self.grow(t + len(slab))
            self.dataset[t : t + len(slab)] = slab
            if self.flushes:
                self.flush(t + len(slab))
            advance(slab.nbytes)

    def write_chunks(self, source: Source, chunks: DirectChunks, advance: Any) -> None:
        if source.n_frames is not None:
            n_chunks = frames_from(0, source.n_frames, self.dataset.shape).n_parts(chunks.shape)
            self.n_threads_each = max(1, self.n // max(1, n_chunks))
        slabs = self.slabs(source, chunks.shape[0])
        blocks = itertools.chain.from_iterable(self.blocks(t, slab, chunks) for t, slab in slabs)

        def store(block: _Block, stored: Optional[bytes]) -> None:
            self.grow(block.offset[0] + len(block.content))
            self.store(block.offset, block.content if stored is None else stored)
            if self.flushes and block.is_last:
                self.flush(block.offset[0] + len(block.content))
            advance(block.content.nbytes)

        if self.flushes:
            ordered_handover(self.n, self.encode, blocks, store)
        else:
            for block, stored in ordered_map(self.n, self.encode, blocks):
                store(block, stored)

    def write_from_workers(self, frames: Any, advance: Any) -> None:
        from .dask import encoded_chunks

        chunk_shape = self.dataset.chunks
        encoder = ChunkEncoder(self.chunks, self.fill_value)
        # The workers finish in any order. How many chunks side by side are still to come:
        n_side_by_side = math.prod(-(-n // c) for n, c in zip(frames.shape[1:], chunk_shape[1:]))
        missing = {t: n_side_by_side for t in range(0, len(frames), chunk_shape[0])}
        self.grow(self.start + len(frames))
        for offset, chunk in encoded_chunks(frames, chunk_shape, encoder):
            self.store((self.start + offset[0], *offset[1:]), chunk)
            missing[offset[0]] -= 1
            if not missing[offset[0]]:
                del missing[offset[0]]
            if self.flushes:
                self.flush(self.start + min(missing, default=len(frames)))
            advance(math.prod(chunk_shape) * frames.dtype.itemsize)

    def flush(self, n_complete: int) -> None:
        """Shows readers what there is; the dataset is whole up to a frame."""
        self.dataset.flush()
        self.n_complete = n_complete

    def store(self, offset: tuple[int, ...], chunk: Union[bytes, np.ndarray]) -> None:
        """What goes to one chunk: its stored bytes, or what HDF5 has to code."""
        if isinstance(chunk, bytes):
            self.dataset.id.write_direct_chunk(offset, chunk)
        else:
            self.dataset[tuple(slice(o, o + n) for o, n in zip(offset, chunk.shape))] = chunk

    def slabs(self, source: Source, chunk_length: int) -> Iterator[tuple[int, np.ndarray]]:
        """Frames that share chunks, with the number of the first."""
        # The first may complete a chunk that is there.
        n_missing = -self.start % chunk_length
        t = self.start
        for slab in source.slabs(chunk_length, n_missing or chunk_length):
            if self.flushes:
                # It grows when the chunk is there.
                _check_room(self.dataset, t + len(slab))
            else:
                self.grow(t + len(slab))
            yield t, slab
            t += len(slab)

    def grow(self, n_frames: int) -> None:
        if self.dataset.shape[0] < n_frames:
            _check_room(self.dataset, n_frames)
            self.dataset.resize(n_frames, axis=0)

    def blocks(self, t: int, slab: np.ndarray, chunks: DirectChunks) -> Iterator[_Block]:
        selection = frames_from(t, t + len(slab), self.dataset.shape)
        n_parts = selection.n_parts(chunks.shape)
        for i, part in enumerate(selection.parts(chunks.shape)):
            offset = (part.offset[0] + (part.source[0].start or 0), *part.offset[1:])
            yield _Block(offset, slab[part.target], i + 1 == n_parts)

    def encode(self, block: _Block) -> Optional[bytes]:
        """In a thread of its own: what to store, or None for what HDF5 has to add to a chunk."""
        if self.chunks is None or block.offset[0] % self.chunks.shape[0] != 0:
            return None
        return ChunkEncoder(self.chunks, self.fill_value)(block.content, self.n_threads_each)
