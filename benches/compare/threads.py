"""Two threads against one."""

from . import worker
from .codecs import CHUNK_FRAMES, DEFAULT, OURS
from .round_trip import round_trip
from .section import Section, Target, geometric_mean, number, table

# Smaller frames are one slice, which one thread codes (docs/design.md).
MIN_FRAME_PIXELS = 512 * 512
MIN_FRAMES = 4
MADE = (CHUNK_FRAMES, 1024, 1024)
LIMIT = 1.7


def section(found, effort, say):
    say("one thread and two")
    sources = {
        s.name: {"path": s.path}
        for s in found
        if s.frame_pixels >= MIN_FRAME_PIXELS and s.shape[0] >= MIN_FRAMES
    }
    sources["made, " + " × ".join(map(str, MADE))] = {"made": MADE}
    rows, targets = [], []
    for preset, codec in OURS.items():
        gains = {name: _gains(codec, source, effort) for name, source in sources.items()}
        rows += [[preset, name, *map(number, gain)] for name, gain in gains.items()]
        if codec != DEFAULT:
            continue
        for column, direction in enumerate(("encode", "decode")):
            mean = geometric_mean([gain[column] for gain in gains.values()])
            name = f"two threads {direction} ≥ {LIMIT} × as fast as one, default"
            targets.append(Target.at_least(name, mean, LIMIT))
    head = ["preset", "sequence", "encode, ×", "decode, ×"]
    return Section({"threads": table(head, rows)}, targets)


def _gains(codec, source, effort):
    """How many times as fast two threads encode and decode."""
    one, two = (
        worker.run(round_trip, {"H5H264_THREADS": n}, codec=codec, effort=effort.asdict(), **source)
        for n in ("1", "2")
    )
    return [two[direction] / one[direction] for direction in ("encode", "decode")]
