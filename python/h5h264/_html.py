"""How datasets look in a notebook: what is printed of them, and a picture of the ratio of each chunk."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

# In units of the picture, which grows with the page.
_WIDTH, _HEIGHT = 600, 120
# Narrower bars could not be told apart: neighbouring chunks share one.
_MAX_BARS = 200
# From the most frequent kind of chunk to the rarest; all others have the last. Readable on white and on black.
_COLOURS = ("#3572b0", "#d0803a", "#4c9a58", "#b04a5a", "#8a8a8a")


class Chunk(NamedTuple):
    """A stored chunk, as far as the picture shows it."""

    #: Of its first element in the dataset.
    offset: tuple[int, ...]
    raw_bytes: int
    stored_bytes: int
    #: How it is stored; chunks of a kind have a colour in common.
    kind: str


def div(summary: str, chunks: Sequence[Chunk], ratio: float) -> str:
    """A `<div>` that needs no style sheet, script or network: text, and a picture of the ratio of each chunk.

    `ratio` is that of the dataset, of which `chunks` may be a sample.
    """
    counts = Counter(chunk.kind for chunk in chunks).most_common()
    colours = {kind: _COLOURS[min(i, len(_COLOURS) - 1)] for i, (kind, _) in enumerate(counts)}
    legend = "".join(
        f'<div><span style="color: {colours[kind]}">■</span> {n} × {escape(kind)}</div>' for kind, n in counts
    )
    return f'<div><pre style="margin: 0">{escape(summary)}</pre>{_picture(chunks, colours, ratio)}{legend}</div>'


class _Bar(NamedTuple):
    ratio: float
    colour: str
    label: str


def _picture(chunks: Sequence[Chunk], colours: dict[str, str], ratio: float) -> str:
    """Bars from 0 up, in the order in which the chunks are stored, and a line at the ratio of all."""
    if not chunks:
        return ""
    bars = _bars(chunks, colours)
    highest = max(bar.ratio for bar in bars)
    step = _WIDTH / len(bars)
    shapes = []
    for i, bar in enumerate(bars):
        height = _HEIGHT * bar.ratio / highest
        shapes.append(
            f'<rect x="{i * step:.2f}" y="{_HEIGHT - height:.2f}" width="{step * 0.9:.2f}" height="{height:.2f}" '
            f'fill="{bar.colour}"><title>{escape(bar.label)}</title></rect>'
        )
    y = _HEIGHT * (1 - ratio / highest)
    shapes.append(f'<path d="M0 {y:.2f}H{_WIDTH}" stroke="currentColor" stroke-dasharray="4 4"/>')
    title = f"Compression ratio of each chunk: {ratio:.2f} for all, at most {highest:.2f}"
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{title}" preserveAspectRatio="none" '
        f'style="width: 100%; max-width: {_WIDTH}px; height: {_HEIGHT}px; display: block">'
        f"{''.join(shapes)}</svg><div><small>{title} (dashed: all)</small></div>"
    )


def _bars(chunks: Sequence[Chunk], colours: dict[str, str]) -> list[_Bar]:
    n_together = math.ceil(len(chunks) / _MAX_BARS)
    return [_bar(chunks[i : i + n_together], colours) for i in range(0, len(chunks), n_together)]


def _bar(chunks: Sequence[Chunk], colours: dict[str, str]) -> _Bar:
    ratio = sum(chunk.raw_bytes for chunk in chunks) / sum(chunk.stored_bytes for chunk in chunks)
    ((kind, _),) = Counter(chunk.kind for chunk in chunks).most_common(1)
    last = f" to {chunks[-1].offset}" if len(chunks) > 1 else ""
    return _Bar(ratio, colours[kind], f"chunk at {chunks[0].offset}{last}: ratio {ratio:.2f}, {kind}")

