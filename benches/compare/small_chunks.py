"""Chunks of one small frame, where opening a codec session would cost more than coding."""

import json
import os
from pathlib import Path

from . import worker
from .codecs import OURS
from .round_trip import round_trip
from .section import Section, Target, number, table

SHAPE = (1000, 64, 64)
LIMIT = 20

# What `cargo bench` leaves.
BENCHMARK = "chunk_64x64"


def section(effort, root, say):
    say("small chunks")
    rows = []
    for preset, codec in OURS.items():
        cell = worker.run(round_trip, codec=codec, made=SHAPE, chunk_frames=1, effort=effort.asdict())
        rows.append([preset, *(number(cell[name]) for name in ("ratio", "encode", "decode"))])
    head = ["preset", "ratio", "encode, MB/s", "decode, MB/s"]
    return Section({"small_chunks": table(head, rows)}, [_target(root)])


def _target(root):
    folder = Path(os.environ.get("CARGO_TARGET_DIR", root / "target"), "criterion")
    kept, fresh = (criterion_nanoseconds(folder, f"{BENCHMARK}/{name} session") for name in ("kept", "fresh"))
    name = f"64 × 64 chunks with a kept session ≥ {LIMIT} × as fast as with a fresh one"
    return Target.at_least(name, fresh / kept if kept and fresh else None, LIMIT, note=" (cargo bench)")


def criterion_nanoseconds(folder, benchmark):
    """The mean of the last run of a benchmark; None if it was not run."""
    for path in folder.glob("**/new/benchmark.json"):
        if json.loads(path.read_text())["full_id"] == benchmark:
            return json.loads(path.with_name("estimates.json").read_text())["mean"]["point_estimate"]
    return None
