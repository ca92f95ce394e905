"""Ratios of frames that are no photographs, where a general compressor is strong."""

import numpy as np

from . import codecs, memory_file, worker
from .codecs import DEFAULT, GZIP_9, MEDIUM, ZSTD_19
from .section import Section, Target, number, table
from .structured_frames import KINDS, SMOOTH

# Bytes that a shuffle takes apart may have repeated better as they were.
GZIP_9_ALONE = codecs.Filter("gzip-9", codecs.gzip(9, shuffle=False))
CODECS = [codecs.ALL[DEFAULT], codecs.ALL[MEDIUM], codecs.ALL[GZIP_9], GZIP_9_ALONE, codecs.ALL[ZSTD_19]]
LIMIT, SMOOTH_LIMIT = 0.98, 2


def ratios(kind):
    """By codec, of a kind of frames in one chunk, 0 if they don't come back bit for bit; and what they are."""
    frames = KINDS[kind]()
    found = {}
    for codec in CODECS:
        stored, _ = codec.store(frames)
        loaded, _ = codec.load(stored, np.ones_like(frames))
        found[codec.name] = frames.nbytes / stored.n_bytes if memory_file.same_bits(frames, loaded) else 0
    return found, f"{frames.dtype}, {' × '.join(map(str, frames.shape))}"


def section(say):
    say("structured data")
    rows, quotients = [], {}
    for kind in KINDS:
        found, size = worker.run(ratios, kind=kind)
        quotients[kind] = found[DEFAULT] / max(found[GZIP_9], found[GZIP_9_ALONE.name])
        values = [*(found[codec.name] for codec in CODECS), quotients[kind]]
        rows.append([f"{kind}, {size}", *map(number, values)])
    head = ["", *(codec.name for codec in CODECS), "default / the better gzip-9"]
    return Section({"structured": table(head, rows)}, targets(quotients))


def targets(quotients):
    """Of the default's ratios as multiples of gzip's."""
    gzip = "gzip-9, with or without shuffle"
    smooth = {kind: quotients[kind] for kind in SMOOTH if kind in quotients}
    return [
        Target.each_at_least(f"structured data: ratio ≥ {LIMIT} × {gzip}, each kind", quotients, LIMIT),
        Target.each_at_least(f"smooth floats: ratio ≥ {SMOOTH_LIMIT} × {gzip}, each kind", smooth, SMOOTH_LIMIT),
    ]
