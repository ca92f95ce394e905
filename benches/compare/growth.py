"""What a frame and a pixel cost as there are more of them."""

import statistics

import numpy as np

from . import memory_file, worker
from .codecs import ALL, CHUNK_FRAMES, DEFAULT
from .section import Section, Target, number, table
from .sequences import made_frames
from .timing import Effort, Stopwatch

FRAME = (256, 256)
N_FRAMES = (10, 100, 1000, 10_000)
# One chunk of more would be larger than what anybody writes.
MAX_CHUNK_FRAMES = 1000
# 0.1 to 16.8 megapixels, in chunks of a few frames.
WIDTHS = (320, 1024, 2048, 4096)
FRAMES_PER_CHUNK = 4
LIMIT = 1.1

# Different frames that a long sequence repeats. As many as there are in a chunk, or more, so that
# none repeats within one.
N_DIFFERENT_FRAMES = 100


def stream(n_frames, shape, chunk_frames, effort):
    """Nanoseconds a pixel to write, and to read, chunk by chunk: medians, since long sequences are
    repeated less often than short ones."""
    height, width = shape
    chunk = (chunk_frames, height, width)
    n_different = max(chunk_frames, min(n_frames, N_DIFFERENT_FRAMES))
    frames = made_frames(n_different, height, width)
    out = np.ones(chunk, frames.dtype)
    image = None

    def write():
        nonlocal image
        with memory_file.new() as file:
            options = ALL[DEFAULT].options(frames.dtype)
            all_frames = (n_frames, height, width)
            dataset = file.create_dataset("frames", all_frames, frames.dtype, chunks=chunk, **options)
            with Stopwatch() as watch:
                for start in range(0, n_frames, chunk_frames):
                    first = start % n_different
                    dataset[start : start + chunk_frames] = frames[first : first + chunk_frames]
                file.flush()
            image = file.id.get_file_image()
        return watch.seconds

    def read():
        with memory_file.opened(image) as file, Stopwatch() as watch:
            for start in range(0, n_frames, chunk_frames):
                file["frames"].read_direct(out, np.s_[start : start + chunk_frames])
        return watch.seconds

    n_pixels = n_frames * height * width
    return [statistics.median(Effort(**effort).times(step)) / n_pixels * 1e9 for step in (write, read)]


def section(effort, say):
    say("cost as work grows")
    n = FRAMES_PER_CHUNK
    series = {
        f"{FRAME[0]} × {FRAME[1]}, chunks of {CHUNK_FRAMES}": {
            f"{count} frames": _cost(count, FRAME, CHUNK_FRAMES, effort) for count in N_FRAMES
        },
        f"{FRAME[0]} × {FRAME[1]}, one chunk": {
            f"{count} frames": _cost(count, FRAME, count, effort)
            for count in N_FRAMES
            if count <= MAX_CHUNK_FRAMES
        },
        # One thread: small frames are coded by one in any case.
        f"one chunk of {n} frames, one thread": {
            f"{width**2 / 1e6:.1f} megapixels": _cost(n, (width, width), n, effort, n_threads="1")
            for width in WIDTHS
        },
    }
    rows = [
        [name, size, *map(number, cost)] for name, costs in series.items() for size, cost in costs.items()
    ]
    head = ["", "size", "encode, ns a pixel", "decode, ns a pixel"]
    targets = [target for name, costs in series.items() for target in _targets(name, list(costs.items()))]
    return Section({"growth": table(head, rows)}, targets)


def _cost(n_frames, shape, chunk_frames, effort, n_threads=None):
    variables = {"H5H264_THREADS": n_threads} if n_threads else None
    return worker.run(
        stream, variables, n_frames=n_frames, shape=shape, chunk_frames=chunk_frames, effort=effort.asdict()
    )


def _targets(name, costs):
    """Cost at most 10 % above that of the smallest size."""
    (smallest, first), *_, (largest, _) = costs
    for column, direction in enumerate(("encode", "decode")):
        growth, size = max((cost[column] / first[column], size) for size, cost in costs)
        target = f"{direction} cost from {smallest} to {largest} grows ≤ 10 % ({name})"
        yield Target.at_most(target, growth, LIMIT, note=f" at {size}")
