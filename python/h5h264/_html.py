"""How `Info` looks in a notebook: what is printed, and a picture of the ratio of each chunk."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ._info import ChunkInfo, Info

# In units of the picture, which grows with the page.
_WIDTH, _HEIGHT = 600, 120
# Narrower bars could not be told apart: neighbouring chunks share one.
_MAX_BARS = 200
# From the most frequent kind of chunk to the rarest; all others have the last. Readable on white and on black.
_COLOURS = ("#3572b0", "#d0803a", "#4c9a58", "#b04a5a", "#8a8a8a")


class _Bar(NamedTuple):
    ratio: float
    colour: str
    label: str


def html_of(info: Info) -> str:
    """A `<div>` that needs no style sheet, script or network."""
    counts = Counter(chunk._kind() for chunk in info.chunks).most_common()
    colours = {kind: _COLOURS[min(i, len(_COLOURS) - 1)] for i, (kind, _) in enumerate(counts)}
    # What is printed has a line for each kind at its end; here, these are the legend.
    summary = repr(info).rsplit("\n", len(counts))[0]
    legend = "".join(
        f'<div><span style="color: {colours[kind]}">■</span> {n} × {escape(kind)}</div>' for kind, n in counts
    )
    return f'<div><pre style="margin: 0">{escape(summary)}</pre>{_picture(info, colours)}{legend}</div>'


def _picture(info: Info, colours: dict[str, str]) -> str:
    """Bars from 0 up, in the order in which the chunks are stored, and a line at the ratio of all."""
    if not info.chunks:
        return ""
    bars = _bars(info.chunks, colours)
    highest = max(bar.ratio for bar in bars)
    step = _WIDTH / len(bars)
    shapes = []
    for i, bar in enumerate(bars):
        height = _HEIGHT * bar.ratio / highest
        shapes.append(
            f'<rect x="{i * step:.2f}" y="{_HEIGHT - height:.2f}" width="{step * 0.9:.2f}" height="{height:.2f}" '
            f'fill="{bar.colour}"><title>{escape(bar.label)}</title></rect>'
        )
    y = _HEIGHT * (1 - info.ratio / highest)
    shapes.append(f'<path d="M0 {y:.2f}H{_WIDTH}" stroke="currentColor" stroke-dasharray="4 4"/>')
    title = f"Compression ratio of each chunk: {info.ratio:.2f} for all, at most {highest:.2f}"
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{title}" preserveAspectRatio="none" '
        f'style="width: 100%; max-width: {_WIDTH}px; height: {_HEIGHT}px; display: block">'
        f"{''.join(shapes)}</svg><div><small>{title} (dashed: all)</small></div>"
    )


def _bars(chunks: Sequence[ChunkInfo], colours: dict[str, str]) -> list[_Bar]:
    n_together = math.ceil(len(chunks) / _MAX_BARS)
    return [_bar(chunks[i : i + n_together], colours) for i in range(0, len(chunks), n_together)]


def _bar(chunks: Sequence[ChunkInfo], colours: dict[str, str]) -> _Bar:
    ratio = sum(chunk.raw_bytes for chunk in chunks) / sum(chunk.stored_bytes for chunk in chunks)
    ((kind, _),) = Counter(chunk._kind() for chunk in chunks).most_common(1)
    last = f" to {chunks[-1].offset}" if len(chunks) > 1 else ""
    return _Bar(ratio, colours[kind], f"chunk at {chunks[0].offset}{last}: ratio {ratio:.2f}, {kind}")
