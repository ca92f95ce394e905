"""One codec stores one sequence and gives it back."""

import numpy as np

from . import codecs, memory_file, sequences
from .timing import Effort


def round_trip(codec, effort, path=None, made=None, chunk_frames=None):
    """Ratio, speeds in MB/s of uncompressed frames, and whether the frames came back bit for bit.

    The frames are those of a file, or made ones of the shape `made`.
    """
    frames = sequences.read(path) if path else sequences.made_frames(*made)
    codec = codecs.ALL[codec] if chunk_frames is None else codecs.rechunked(codec, chunk_frames)
    try:
        return _measure(codec, frames, Effort(**effort))
    except codecs.Unsupported as reason:
        return {"unsupported": str(reason)}


def _measure(codec, frames, effort):
    stored = loaded = None
    # Its pages are there before reading is timed.
    out = np.ones_like(frames)

    def store():
        nonlocal stored
        stored, seconds = codec.store(frames)
        return seconds

    def load():
        nonlocal loaded
        loaded, seconds = codec.load(stored, out)
        return seconds

    megabytes = frames.nbytes / 1e6
    return {
        "encode": megabytes / min(effort.times(store)),
        "decode": megabytes / min(effort.times(load)),
        "ratio": frames.nbytes / stored.n_bytes,
        "is_exact": memory_file.same_bits(frames, loaded),
    }
