"""One codec stores one sequence and gives it back."""

import numpy as np

from . import codecs, memory_file, sequences
from .timing import Effort


def round_trip(codec, effort, chunk_frames=None, **source):
    """Ratio, how many bytes were added, speeds in MB/s of uncompressed frames, and whether the frames
    came back bit for bit.

    The frames are those that `sequences.load` gives for `source`.
    """
    frames = sequences.load(**source)
    try:
        return _measure(codecs.named(codec, chunk_frames), frames, Effort(**effort))
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
        "added_bytes": stored.n_bytes - frames.nbytes,
        "is_exact": memory_file.same_bits(frames, loaded),
    }
