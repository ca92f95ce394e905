"""Some frames of a dataset as one picture, for pages that nobody serves."""

from __future__ import annotations

import base64
import struct
import zlib
from html import escape
from typing import Any

import h5py
import numpy as np

#: Of a frame in the picture, and of values that are looked at to find the contrast.
_MAX_SIDE, _MAX_SAMPLES = 256, 1 << 16
_GAP = 4
_PERCENT = 0.5


class Strip:
    """Frames side by side, as a notebook shows them; printed, it says how to see more."""

    def __init__(self, dataset: h5py.Dataset, n_frames: int, reason: str) -> None:
        shape, is_colour = dataset.shape, _is_colour(dataset)
        n_leading = dataset.ndim - (3 if is_colour else 2)
        if n_leading < 0 or 0 in shape or dataset.dtype.kind not in "iufb":
            raise ValueError(
                f"{dataset.name} of shape {shape} and type {dataset.dtype} has no frames (expected numbers, of 2 or "
                "more dimensions)"
            )
        n_all = int(np.prod(shape[:n_leading], dtype=object))
        wanted = np.unique(np.linspace(0, n_all - 1, min(n_frames, n_all)).round().astype("i8"))
        #: Which frames these are, counted over all dimensions before the frame's.
        self.indices = [int(i) for i in wanted]
        frames = [_thinned(dataset[np.unravel_index(i, shape[:n_leading])]) for i in wanted]
        self._picture = _png(_side_by_side(_as_bytes(np.array(frames), is_colour)))
        self._title = f"{dataset.name}: frames {', '.join(map(str, self.indices))} of {n_all}"
        self._hint = f"{reason}. In a terminal: h5h264 view {dataset.file.filename}"

    def __repr__(self) -> str:
        return f"{self._title}\n{self._hint}"

    def _repr_png_(self) -> bytes:
        return self._picture

    def _repr_html_(self) -> str:
        source = f"data:image/png;base64,{base64.b64encode(self._picture).decode()}"
        title = escape(self._title, quote=True)
        return (
            f'<figure style="margin: 0"><img src="{source}" alt="{title}" title="{title}" style="max-width: 100%"/>'
            f"<figcaption><small>{title}. {escape(self._hint)}</small></figcaption></figure>"
        )


def _is_colour(dataset: h5py.Dataset) -> bool:
    """As the player has it."""
    is_component = dataset.dtype.itemsize == 1 or dataset.dtype.newbyteorder("=") == np.uint16
    return dataset.ndim >= 3 and dataset.shape[-1] in (3, 4) and is_component


def _thinned(frame: Any) -> np.ndarray:
    """Every n-th row and column."""
    step = -(-max(frame.shape[:2]) // _MAX_SIDE)
    return frame[::step, ::step]


def _as_bytes(frames: np.ndarray, is_colour: bool) -> np.ndarray:
    """Grey between two percentiles of all frames, or red, green and blue."""
    if is_colour:
        # The first of the bytes says most.
        return frames[..., :3] if frames.itemsize == 1 else (frames[..., :3] >> 8).astype("u1")
    values = frames.astype("f8")
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return np.zeros(frames.shape, "u1")
    sample = finite[:: -(-finite.size // _MAX_SAMPLES)]
    low, high = np.percentile(sample, [_PERCENT, 100 - _PERCENT])
    scaled = (np.nan_to_num(values, nan=low, posinf=high, neginf=low) - low) / ((high - low) or 1)
    return (255 * np.clip(scaled, 0, 1)).round().astype("u1")


def _side_by_side(frames: np.ndarray) -> np.ndarray:
    """With white between them."""
    n, height, width = frames.shape[:3]
    strip = np.full((height, n * (width + _GAP) - _GAP, *frames.shape[3:]), 255, "u1")
    for i, frame in enumerate(frames):
        strip[:, i * (width + _GAP) :][:, :width] = frame
    return strip


def _png(pixels: np.ndarray) -> bytes:
    """A PNG file of grey or RGB pixels (PNG specification, sections 5 and 11)."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    height, width = pixels.shape[:2]
    header = struct.pack(">2I5B", width, height, 8, 2 if pixels.ndim == 3 else 0, 0, 0, 0)
    # Each row begins with the number of its filter: none.
    rows = np.concatenate([np.zeros((height, 1), "u1"), pixels.reshape(height, -1)], 1)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(rows.tobytes())), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)
