"""Random bits: how many bytes they take more than uncompressed, and how fast they go through."""

import math

from . import worker
from .codecs import CHUNK_FRAMES, DEFAULT, UNFILTERED
from .round_trip import round_trip
from .section import Section, Target, number, table

# The first three have 10 MB, which the file grows by anyway (memory_file.py).
KINDS = [
    ("uint8", (CHUNK_FRAMES, 1024, 1024)),
    ("uint16", (CHUNK_FRAMES, 512, 1024)),
    ("float32", (CHUNK_FRAMES, 512, 512)),
    ("uint16", (100 * CHUNK_FRAMES, 64, 64)),
]
MAX_ADDED_BYTES = 64
MIN_GIGABYTES = 1


def section(effort, say):
    say("incompressible data")
    rows, added, speeds = [], [], {"encode": [], "decode": []}
    for dtype, shape in KINDS:
        ours, copied = (
            worker.run(round_trip, codec=codec, noise=(dtype, shape), effort=effort.asdict())
            for codec in (DEFAULT, UNFILTERED)
        )
        n_chunks = math.ceil(shape[0] / CHUNK_FRAMES)
        added.append(ours["added_bytes"] / n_chunks if ours["is_exact"] else math.inf)
        pairs = {direction: [cell[direction] / 1e3 for cell in (ours, copied)] for direction in speeds}
        if n_chunks == 1:
            for direction, (speed, _) in pairs.items():
                speeds[direction].append(speed)
        columns = [f"{number(ours)} / {number(copied)}" for ours, copied in pairs.values()]
        rows.append([f"{dtype}, {' × '.join(map(str, shape))}", f"{added[-1]:.0f}", *columns])
    head = ["default / no filter", "bytes more a chunk", "encode, GB/s", "decode, GB/s"]
    return Section({"incompressible": table(head, rows)}, list(_targets(added, speeds)))


def _targets(added, speeds):
    name = f"incompressible chunks take ≤ {MAX_ADDED_BYTES} bytes more than uncompressed"
    yield Target.at_most(name, max(added), MAX_ADDED_BYTES, unit=" bytes")
    for direction, values in speeds.items():
        name = f"incompressible chunks of 10 MB {direction} at ≥ {MIN_GIGABYTES} GB/s"
        yield Target.at_least(name, min(values), MIN_GIGABYTES, unit=" GB/s")
