"""How a dataset is stored."""

from __future__ import annotations

import itertools
import math
import operator
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Optional

import h5py
import numpy as np

from . import _html, _library
from ._filter import FILTER_ID, H264, pipeline, stored_cd_values

# What the library calls by the names of `ChunkInfo`.
_SAME_NAMES = (
    "content",
    "layout",
    "format_version",
    "table_len",
    "strip_height",
    "raw_planes_bytes",
    "zstd_bytes",
    "noise_bytes",
    "video_bytes",
)


@dataclass(frozen=True)
class ChunkInfo:
    """A stored chunk. What is None is not in such a chunk."""

    #: Of its first element in the dataset.
    offset: tuple[int, ...]
    stored_bytes: int
    raw_bytes: int
    #: Bit i is set if the i-th filter of the pipeline was left out.
    filter_mask: int
    #: "coded"; "raw": as it is, with checksums; "resized": as an earlier filter left it; "unfiltered":
    #: HDF5 left the filter out; "hidden": by filters that come after this one.
    content: str
    #: "h5h264", or "original" for that of the first h5h264.
    layout: Optional[str] = None
    format_version: Optional[int] = None
    #: What became of the samples: "integer", "integral float", "ordered float", "rotated float".
    transform: Optional[str] = None
    #: Distinct values, where samples were replaced by their rank; else 0.
    table_len: Optional[int] = None
    #: Rows of the strips that frames are cut into, which threads code on their own: the frames'
    #: height where they stay whole.
    strip_height: Optional[int] = None
    #: (bits, coding) of each plane, from the least significant bits up; coding is "constant",
    #: "raw", "zstd", "noise" or "video".
    planes: Optional[tuple[tuple[int, str], ...]] = None
    #: Bytes of the planes that are stored as they are.
    raw_planes_bytes: Optional[int] = None
    #: Bytes of the planes in which something repeats.
    zstd_bytes: Optional[int] = None
    #: Bytes of the noise.
    noise_bytes: Optional[int] = None
    #: Bytes of the H.264 stream.
    video_bytes: Optional[int] = None

    @property
    def ratio(self) -> float:
        """Raw by stored bytes."""
        return self.raw_bytes / self.stored_bytes

    def _kind(self) -> str:
        if self.planes is None:
            return self.content if self.layout != "original" else "coded, original layout"
        planes = " + ".join(f"{_count(bits, 'bit')} {coding}" for bits, coding in self.planes) or "nothing"
        table = f", table of {self.table_len} values" if self.table_len else ""
        return f"{self.transform}{table}: {planes}"


@dataclass(frozen=True)
class Info:
    """A dataset with this filter; see `info`."""

    name: str
    shape: tuple[int, ...]
    dtype: Any
    chunk_shape: tuple[int, ...]
    #: The options that it was created with.
    options: H264
    #: The filter's parameters as they are stored: docs/cd_values.md.
    cd_values: tuple[int, ...]
    #: Those that were looked at.
    chunks: tuple[ChunkInfo, ...] = field(repr=False)
    #: How many are stored.
    n_chunks: int
    #: Of all chunks that are stored.
    stored_bytes: int

    @property
    def preset(self) -> str:
        """x264's name of the preset."""
        return self.options.preset

    @property
    def raw_bytes(self) -> int:
        """Of all chunks that are stored; those at the edges count as whole ones."""
        return self.n_chunks * self.chunks[0].raw_bytes if self.chunks else 0

    @property
    def ratio(self) -> float:
        """Raw by stored bytes; NaN if nothing is stored."""
        return self.raw_bytes / self.stored_bytes if self.chunks else math.nan

    def __repr__(self) -> str:
        lines = [
            f"{self.name}: {_shape(self.shape)} {self.dtype} "
            f"in {_count(self.n_chunks, 'chunk')} of {_shape(self.chunk_shape)}",
            f"{self.options!r}",
            f"{self.raw_bytes} bytes stored in {self.stored_bytes}, ratio {self.ratio:.2f}",
        ]
        if len(self.chunks) < self.n_chunks:
            lines.append(f"of the {_count(len(self.chunks), 'chunk')} that were looked at:")
        kinds = Counter(chunk._kind() for chunk in self.chunks)
        lines += [f"{n:6} × {kind}" for kind, n in kinds.most_common()]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        chunks = [_html.Chunk(c.offset, c.raw_bytes, c.stored_bytes, c._kind()) for c in self.chunks]
        # What is printed has a line for each kind at its end; here, these are the legend.
        n_kinds = len({chunk.kind for chunk in chunks})
        return _html.div(repr(self).rsplit("\n", n_kinds)[0], chunks, self.ratio)


def info(dataset: h5py.Dataset, sample: Optional[int] = None) -> Info:
    """How a dataset is stored, chunk by chunk and in sum.

    Reads every stored chunk, and checks its checksum, but decodes none. Printed, it is a summary; in a notebook, a
    summary with a picture of the ratio of each chunk.

    Parameters
    ----------
    dataset
        The dataset.
    sample
        How many chunks to look at, at most, spread over the dataset; the sums are of all chunks nevertheless.
        Default: all of them.

    Raises
    ------
    ValueError
        The dataset does not have this filter; a sample is less than one chunk.
    OSError
        A chunk is damaged.
    """
    cd_values = stored_cd_values(dataset)
    filter_ids = [filter_id for filter_id, _ in pipeline(dataset)]
    raw_bytes = math.prod(dataset.chunks) * dataset.id.get_type().get_size()
    n_chunks = dataset.id.get_num_chunks()
    chunks = []
    for offset in _offsets(dataset, range(n_chunks)) if sample is None else _sampled(dataset, n_chunks, sample):
        filter_mask, stored = dataset.id.read_direct_chunk(offset)
        is_cut = any(o + c > n for o, c, n in zip(offset, dataset.chunks, dataset.shape))
        if is_cut and len(stored) == raw_bytes:
            # HDF5 can be told to leave the chunks at the edges unfiltered.
            known: dict[str, Any] = {"content": "unfiltered"}
        else:
            try:
                known = _describe(stored, filter_mask, filter_ids)
            except OSError as error:
                raise OSError(f"{dataset.name}, chunk at {offset}: {error}") from error
        chunks.append(ChunkInfo(offset, len(stored), raw_bytes, filter_mask, **known))
    return Info(
        dataset.name or "",
        dataset.shape,
        dataset.dtype,
        dataset.chunks,
        H264._from_cd_values(cd_values),
        cd_values,
        tuple(chunks),
        n_chunks,
        sum(chunk.stored_bytes for chunk in chunks) if sample is None else dataset.id.get_storage_size(),
    )


def _offsets(dataset: h5py.Dataset, wanted: Sequence[int]) -> list[tuple[int, ...]]:
    """Where stored chunks start, by their rising numbers in HDF5's index."""
    if not hasattr(dataset.id, "chunk_iter"):  # h5py 3.7
        return [tuple(dataset.id.get_chunk_info(k).chunk_offset) for k in wanted]
    offsets: list[tuple[int, ...]] = []
    numbers, next_wanted = itertools.count(), iter(wanted)
    k = next(next_wanted, None)

    def visit(chunk: Any) -> None:
        nonlocal k
        if next(numbers) == k:
            offsets.append(tuple(chunk.chunk_offset))
            k = next(next_wanted, None)

    dataset.id.chunk_iter(visit)
    return offsets


def _sampled(dataset: h5py.Dataset, n_chunks: int, sample: int) -> list[tuple[int, ...]]:
    """Where some of the stored chunks start."""
    if operator.index(sample) < 1:
        raise ValueError(f"sample is {sample} (expected chunks, 1 or more)")
    grid = [-(-n // c) for n, c in zip(dataset.shape, dataset.chunks)]
    wanted = [int(i) for i in np.unique(np.linspace(0, n_chunks - 1, min(n_chunks, sample)).round())]
    if n_chunks == math.prod(grid):
        # All are there: none has to be looked for.
        return [tuple(int(i) * c for i, c in zip(np.unravel_index(k, grid), dataset.chunks)) for k in wanted]
    return _offsets(dataset, wanted)


def _describe(stored: bytes, filter_mask: int, filter_ids: list[int]) -> dict[str, Any]:
    place = filter_ids.index(FILTER_ID)
    if filter_mask >> place & 1:
        return {"content": "unfiltered"}
    after = filter_ids[place + 1 :]
    if after == [h5py.h5z.FILTER_FLETCHER32] and not filter_mask >> place + 1 & 1:
        # Its checksum stands behind the chunk.
        stored = stored[:-4]
    elif after:
        return {"content": "hidden"}
    known = _library.describe(stored)
    described = {name: known.get(name) for name in _SAME_NAMES}
    if "planes" in known:
        described["planes"] = tuple((plane["bits"], plane["coding"]) for plane in known["planes"])
    return {**described, "transform": known.get("mapping")}


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def _shape(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))
