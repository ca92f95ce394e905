"""Reading frame by frame out of chunks that are larger than HDF5's chunk cache."""

import numpy as np

from . import memory_file, worker
from .codecs import ALL, CHUNK_FRAMES, DEFAULT
from .section import Section, Target, number, table
from .sequences import made_frames
from .timing import Stopwatch

# Chunks of 21 MB; the chunk cache of a dataset has 1 MiB, with HDF5 2.0 8 MiB.
SHAPE = (5 * CHUNK_FRAMES, 1024, 1024)
LIMIT = 1.3
N_REPEATS = 5


def read(shape, by_frame):
    """Seconds to read all frames, once: a second time, chunks would come from memory."""
    frames = made_frames(*shape)
    out = np.ones_like(frames)
    with memory_file.new() as file:
        memory_file.write(file, frames, CHUNK_FRAMES, ALL[DEFAULT].options(frames.dtype))
        image = file.id.get_file_image()
    with memory_file.opened(image) as file, Stopwatch() as watch:
        dataset = file["frames"]
        if by_frame:
            for i in range(len(dataset)):
                out[i] = dataset[i]
        else:
            dataset.read_direct(out)
    assert memory_file.same_bits(frames, out)
    return watch.seconds


def section(say):
    say("reading frame by frame")
    names = {
        "at once": {"by_frame": False, "cache": None},
        "frame by frame": {"by_frame": True, "cache": None},
        "frame by frame, H5H264_CACHE_MIB=0": {"by_frame": True, "cache": "0"},
    }
    seconds = {name: _fastest(**settings) for name, settings in names.items()}
    at_once, by_frame, _ = seconds.values()
    rows = [[name, number(value), number(value / at_once)] for name, value in seconds.items()]
    target = Target.at_most(f"`for i in range(n): d[i]` ≤ {LIMIT} × reading at once", by_frame / at_once, LIMIT)
    return Section({"frame_loop": table(["reading", "seconds", "× at once"], rows)}, [target])


def _fastest(by_frame, cache):
    variables = {"H5H264_CACHE_MIB": cache}
    return min(worker.run(read, variables, shape=SHAPE, by_frame=by_frame) for _ in range(N_REPEATS))
