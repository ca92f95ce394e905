"""Chunks of one frame, beside JPEG-LS, which takes no more."""

from . import worker
from .codecs import DEFAULT, JPEG_LS
from .round_trip import round_trip
from .section import Section, Target, number, table


def section(found, effort, say):
    say("chunks of one frame")
    rows, quotients = [], {}
    for sequence in found:
        theirs = _measured(JPEG_LS, sequence, effort)
        if "unsupported" in theirs:
            continue
        ours = _measured(DEFAULT, sequence, effort)
        quotients[sequence.name] = ours["ratio"] / theirs["ratio"] if ours["is_exact"] else 0
        pairs = [(ours[quantity], theirs[quantity]) for quantity in ("ratio", "encode", "decode")]
        rows.append([sequence.name, *(f"{number(a)} / {number(b)}" for a, b in pairs)])
    name = f"ratio of the default ≥ {JPEG_LS}'s in chunks of one frame, each sequence"
    head = ["default / JPEG-LS", "ratio", "encode, MB/s", "decode, MB/s"]
    return Section({"single_frames": table(head, rows)}, [Target.each_at_least(name, quotients, 1, JPEG_LS)])


def _measured(codec, sequence, effort):
    return worker.run(round_trip, codec=codec, chunk_frames=1, path=sequence.path, effort=effort.asdict())
