"""Views: datasets of calibrated frames that are computed when they are read.

>>> import h5py, h5h264
>>> with h5py.File("run.h5", "r+") as file:
...     view = h5h264.calib.create_processed(file, file["raw"].shape, calib_alg="JUNGFRAU_v1", mask="/mask")
...     frame = view[7]

A view stores a header of about a hundred bytes per chunk; docs/calibration.md is its specification.
"""

from __future__ import annotations

import dataclasses
import math
import operator
import os
import random
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Optional, Union

import h5py
import numpy as np

FILTER_ID = 57836
MAGIC_ATTRIBUTE = "h5calib_file_magic"

#: The algorithms, by the numbers that headers hold.
ALGORITHMS = {
    "pedestal_v1": 0x00010001,
    "AGIPD_v1": 0x00020001,
    "AGIPD_v2": 0x00020002,
    "JUNGFRAU_v1": 0x00030001,
}

_ORIGINAL_MAGIC = 0x6290D662
_MAGIC = 0x43354889
_VERSION = 2
_FIXED = struct.Struct("<10IQ2I")
_CHECKSUM = struct.Struct("<I")
_MAX_WORD = 2**32 - 1


@dataclasses.dataclass(frozen=True)
class View:
    """What a view is computed from, according to the header of its first chunk."""

    calib_alg: str
    raw: str
    calib: str
    mask: Optional[str]
    n_cells: int
    dtype: np.dtype[Any]
    #: Frames, height, width.
    chunks: tuple[int, int, int]
    #: 1 is the original's.
    header_version: int
    #: The attribute `h5calib_file_magic` of the file that the paths start in.
    file_magic: int
    #: Of each chunk: its offset, bytes of its pixels, stored bytes, and what these are.
    _stored: tuple[tuple[tuple[int, ...], int, int, str], ...] = dataclasses.field(
        default=(), repr=False, compare=False
    )

    def _repr_html_(self) -> str:
        """What is computed, and a picture of how many times larger than its header each chunk is."""
        from . import _html

        chunks = [_html.Chunk(*stored) for stored in self._stored]
        mask = f", without the pixels of {self.mask}" if self.mask else ""
        raw_bytes = sum(chunk.raw_bytes for chunk in chunks)
        stored_bytes = sum(chunk.stored_bytes for chunk in chunks)
        ratio = raw_bytes / stored_bytes if chunks else math.nan
        cells = f"{self.n_cells} memory cell{'s' if self.n_cells > 1 else ''}"
        summary = [
            f"view of {self.raw}, calibrated by {self.calib_alg} with {self.calib}{mask}",
            f"{self.dtype} in {len(chunks)} chunks of {' × '.join(map(str, self.chunks))}, {cells}",
            f"{raw_bytes} bytes are computed from headers of {stored_bytes}, ratio {ratio:.2f}",
        ]
        return _html.div("\n".join(summary), chunks, ratio)


def create_processed(
    parent: h5py.Group,
    shape: tuple[int, int, int],
    name: str = "processed",
    raw: str = "/raw",
    calib: str = "/calib",
    calib_alg: str = "AGIPD_v1",
    n_cells: int = 2,
    dtype: Any = np.float32,
    *,
    mask: Optional[str] = None,
    chunks: Union[int, tuple[int, int, int], None] = None,
) -> h5py.Dataset:
    """Creates a view: a dataset whose frames are calibrated when they are read.

    Image i is calibrated with the constants of memory cell i % n_cells. With one image per chunk,
    float32 and no mask, pedestal_v1, AGIPD_v1 and AGIPD_v2 are stored as the original h5calib stores
    (and reads) them.

    Parameters
    ----------
    parent
        The group in which the dataset is created. If the root of the file has no attribute `h5calib_file_magic`, by
        which the filter finds the file, it gets one. If several
        processes have opened the file through MPI, all of them call this.
    shape
        (images, height, width) of the frames.
    raw, calib, mask
        Paths from the root of the file to the raw images, the constants and the mask. Pixels where the mask is
        not zero become NaN. Links may lead into other files. The paths need not exist yet.
    calib_alg
        pedestal_v1, AGIPD_v1, AGIPD_v2 or JUNGFRAU_v1; docs/calibration.md has the shapes that each needs.
    n_cells
        Memory cells. JUNGFRAU_v1 with constants that have no cells, or one, has one.
    dtype
        float32 or float64: the arithmetic is done in this type.
    chunks
        Images per chunk, or (images, height, width); the default is one image. If the raw images are compressed, as
        many images as the raw dataset has in its chunks are fastest.

    Raises
    ------
    ValueError, TypeError
        An argument is out of range, or not of its type.
    """
    n_images, height, width = (_number("a length in shape", n, 1) for n in _three("shape", shape))
    dtype = np.dtype(dtype)
    if dtype not in (np.dtype("<f4"), np.dtype("<f8")):
        raise TypeError(f"dtype is {dtype} (expected float32 or float64)")
    if calib_alg not in ALGORITHMS:
        raise ValueError(f"calib_alg is {calib_alg!r} (expected one of {', '.join(ALGORITHMS)})")
    n_frames = _frames_per_chunk(chunks, height, width)
    n_cells = 1 if calib_alg == "pedestal_v1" else _number("n_cells", n_cells, 1)
    if calib_alg == "JUNGFRAU_v1" and _has_one_cell(parent, calib):
        n_cells = 1
    paths = [_path("raw", raw), _path("calib", calib), b"" if mask is None else _path("mask", mask)]

    def header(first: int, file_magic: int) -> bytes:
        n = min(n_frames, n_images - first)
        number, cell = ALGORITHMS[calib_alg], first % n_cells
        if n_frames == 1 and mask is None and dtype.itemsize == 4 and calib_alg != "JUNGFRAU_v1":
            cells = calib_alg != "pedestal_v1"
            words = [cell, first, n_cells] if cells else [first]
            words = [_ORIGINAL_MAGIC, file_magic, number, *words, height, width]
            return struct.pack(f"<{len(words)}I", *words) + b"".join(path + b"\0" for path in paths[:2])
        strings = b"".join(path + b"\0" for path in paths)
        n_bytes = _FIXED.size + len(strings) + _CHECKSUM.size
        words = [_MAGIC, _VERSION, n_bytes, file_magic, number, dtype.itemsize, n_frames, n, height, width]
        bytes_ = _FIXED.pack(*words, first, cell, n_cells) + strings
        return bytes_ + _CHECKSUM.pack(zlib.crc32(bytes_))

    with _sharing(parent) as communicator:
        _create(parent, name, (n_images, height, width), dtype, n_frames, header, communicator)
    return parent[name]


@contextmanager
def _sharing(parent: h5py.Group) -> Iterator[Any]:
    """The communicator of the processes that have opened a file together; None for other files."""
    if not h5py.get_config().mpi:
        yield None
        return
    from ._mpi import sharing

    with sharing(parent) as communicator:
        yield communicator


def _create(
    parent: h5py.Group,
    name: str,
    shape: tuple[int, int, int],
    dtype: np.dtype[Any],
    n_frames: int,
    header: Callable[[int, int], bytes],
    communicator: Any,
) -> None:
    """Makes a dataset and writes the headers, which are told the first image and the file's magic."""
    file_magic = _file_magic(parent.file, communicator)
    if communicator is not None:
        longest = len(header(shape[0] - 1, file_magic))
        least = (shape[0] % n_frames or n_frames) * math.prod(shape[1:]) * dtype.itemsize
        if longest > least:
            raise ValueError(
                f"a header of {longest} bytes does not fit frames of {least} bytes, in whose place MPI needs it"
            )
    dataset = parent.create_dataset(name, shape, dtype, chunks=(n_frames, *shape[1:]), compression=FILTER_ID)
    try:
        if communicator is None:
            for first in range(0, shape[0], n_frames):
                dataset.id.write_direct_chunk((first, 0, 0), header(first, file_magic))
        else:
            _write_together(dataset, lambda first: header(first, file_magic), communicator)
    except BaseException:
        # What is deleted goes when it is closed, which all processes have to do at the same time.
        dataset.id.close()
        del parent[name]
        raise
    # HDF5 checks before the first write into a dataset that was opened, not into one just created,
    # that its filters can write: this one can't.
    del dataset


def _write_together(dataset: h5py.Dataset, header: Callable[[int], bytes], communicator: Any) -> None:
    """Gives the headers to the filter in the place of pixels, one chunk after the other in each process."""
    from ._mpi import write_together

    n_images, n_frames = len(dataset), dataset.chunks[0]
    for first in range(0, n_images, n_frames * communicator.size):
        mine = first + n_frames * communicator.rank
        if mine >= n_images:
            write_together(dataset, [], None)
            continue
        pixels = np.zeros((min(n_frames, n_images - mine), *dataset.shape[1:]), dataset.dtype)
        bytes_ = np.frombuffer(header(mine), np.uint8)
        pixels.reshape(-1).view(np.uint8)[: len(bytes_)] = bytes_
        write_together(dataset, [(mine, mine + len(pixels))], pixels)


def describe(view: h5py.Dataset) -> View:
    """What a view is computed from.

    Raises ValueError if the dataset is not a view, or its first header is damaged.
    """
    plist = view.id.get_create_plist()
    if FILTER_ID not in (plist.get_filter(i)[0] for i in range(plist.get_nfilters())):
        raise ValueError(f"{view.name} is not a view: it does not have the filter h5calib, {FILTER_ID}")
    if view.id.get_num_chunks() == 0:
        raise ValueError(f"{view.name} has no chunk yet")
    _, stored = view.id.read_direct_chunk(view.id.get_chunk_info(0).chunk_offset)
    try:
        described = _parse(stored)
    except (struct.error, ValueError, IndexError) as error:
        raise ValueError(f"{view.name} has a damaged header: {error}") from None
    return dataclasses.replace(described, _stored=_headers(view))


def _headers(view: h5py.Dataset) -> tuple[tuple[tuple[int, ...], int, int, str], ...]:
    raw_bytes = math.prod(view.chunks) * view.dtype.itemsize

    def chunk(stored: Any) -> tuple[tuple[int, ...], int, int, str]:
        kind = "header" if not stored.filter_mask else "without the filter"
        return tuple(stored.chunk_offset), raw_bytes, stored.size, kind

    if not hasattr(view.id, "chunk_iter"):  # h5py 3.7
        return tuple(chunk(view.id.get_chunk_info(k)) for k in range(view.id.get_num_chunks()))
    chunks: list[tuple[tuple[int, ...], int, int, str]] = []
    view.id.chunk_iter(lambda stored: chunks.append(chunk(stored)))
    return tuple(chunks)


def _parse(stored: bytes) -> View:
    names = {number: name for name, number in ALGORITHMS.items()}
    (magic,) = struct.unpack_from("<I", stored)
    if magic == _ORIGINAL_MAGIC:
        file_magic, number = struct.unpack_from("<2I", stored, 4)
        cells = names.get(number) != "pedestal_v1"
        n_words = 5 if cells else 3
        words = struct.unpack_from(f"<{n_words}I", stored, 12)
        raw, calib, _ = stored[12 + 4 * n_words :].split(b"\0", 2)
        version, n_cells, n_frames, itemsize, mask = 1, words[2] if cells else 1, 1, 4, b""
        height, width = words[-2:]
    elif magic == _MAGIC:
        if stored[4:8] == bytes(4):
            raise ValueError("it holds pixels instead of a header")
        _, version, n_bytes, file_magic, number, itemsize, n_frames, _, height, width, _, _, n_cells = (
            _FIXED.unpack_from(stored)
        )
        if version != _VERSION:
            raise ValueError(f"its version {version} is unknown (expected {_VERSION})")
        end = n_bytes - _CHECKSUM.size
        if _CHECKSUM.unpack_from(stored, end) != (zlib.crc32(stored[:end]),):
            raise ValueError("its checksum does not match its bytes")
        raw, calib, mask, _ = stored[_FIXED.size : end].split(b"\0")
    else:
        raise ValueError("it does not start with the magic number of a header")
    if number not in names:
        raise ValueError(f"algorithm {number:#010x} is unknown")
    return View(
        calib_alg=names[number],
        raw=raw.decode("utf-8", "surrogateescape"),
        calib=calib.decode("utf-8", "surrogateescape"),
        mask=mask.decode("utf-8", "surrogateescape") or None,
        n_cells=n_cells,
        dtype=np.dtype(f"<f{itemsize}"),
        chunks=(n_frames, height, width),
        header_version=version,
        file_magic=file_magic,
    )


def _file_magic(file: h5py.File, communicator: Any) -> int:
    if MAGIC_ATTRIBUTE not in file.attrs:
        magic = random.SystemRandom().getrandbits(32)
        file.attrs[MAGIC_ATTRIBUTE] = np.uint32(magic if communicator is None else communicator.bcast(magic))
    return _number(MAGIC_ATTRIBUTE, file.attrs[MAGIC_ATTRIBUTE], 0)


def _frames_per_chunk(chunks: Any, height: int, width: int) -> int:
    if chunks is None:
        return 1
    if isinstance(chunks, tuple):
        n_frames, *frame = _three("chunks", chunks)
        if frame != [height, width]:
            raise ValueError(f"chunks are {chunks} (expected whole frames, {height} x {width})")
        chunks = n_frames
    return _number("chunks", chunks, 1)


def _has_one_cell(parent: h5py.Group, calib: str) -> bool:
    constants = parent.file.get(calib)
    return isinstance(constants, h5py.Dataset) and (constants.ndim == 3 or constants.shape[0] == 1)


def _path(name: str, path: Any) -> bytes:
    if not isinstance(path, (str, bytes)):
        raise TypeError(f"{name} is {path!r} (expected a path)")
    encoded = os.fsencode(path)
    if not encoded or b"\0" in encoded:
        raise ValueError(f"{name} is {path!r} (expected a path)")
    return encoded


def _three(name: str, values: Any) -> list[Any]:
    values = list(values) if isinstance(values, (tuple, list)) else []
    if len(values) != 3:
        raise ValueError(f"{name} is not a tuple of three numbers (expected (images, height, width))")
    return values


def _number(name: str, value: Any, least: int) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is {value!r} (expected a whole number)") from None
    if not least <= number <= _MAX_WORD:
        raise ValueError(f"{name} is {number} (expected {least} to {_MAX_WORD})")
    return number
