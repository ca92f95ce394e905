"""Memory beyond the caller's buffers (Linux)."""

import ctypes
import re
from pathlib import Path

import numpy as np

from . import memory_file, worker
from .codecs import ALL, CHUNK_FRAMES, OURS
from .section import Section, Target, number, table
from .sequences import made_frames

SHAPE = (CHUNK_FRAMES, 2048, 2048)
LIMIT = 3
N_SMALL_CHUNKS = (100, 10_000)
SMALL_FRAME = (64, 64)
# Of HDF5 and Python: the heap is never packed to the page.
MAX_GROWTH_BYTES = 1 << 20


def peak(codec, shape):
    """Bytes, in chunks: how far the memory in use rises while one chunk is encoded or decoded, after
    an earlier chunk of its size, and what that earlier one left behind."""
    options = ALL[codec].options(None)
    frames = made_frames(*shape)
    out = np.ones_like(frames)
    image = None

    def encode():
        nonlocal image
        with memory_file.new() as file:
            memory_file.write(file, frames, len(frames), options)
            image = file.id.get_file_image()

    def decode():
        with memory_file.opened(image) as file:
            file["frames"].read_direct(out)

    before = _resident_bytes()
    encode()
    decode()
    kept = _resident_bytes() - before - len(image)
    # HDF5 encodes a copy of the caller's chunk, which is no more the filter's than the caller's own.
    rises = {"encode": _rise(encode) - frames.nbytes, "decode": _rise(decode)}
    return {"kept": kept / frames.nbytes, **{name: rise / frames.nbytes for name, rise in rises.items()}}


def after_chunks(codec, counts, shape):
    """Resident bytes after as many chunks, of a frame each, were written and read."""
    options = ALL[codec].options(None)
    frames = made_frames(counts[0], *shape)
    out = np.ones_like(frames)
    resident = []
    for n_done in range(counts[0], counts[-1] + 1, len(frames)):
        with memory_file.new() as file:
            memory_file.write(file, frames, 1, options)
            image = file.id.get_file_image()
        with memory_file.opened(image) as file:
            file["frames"].read_direct(out)
        if n_done in counts:
            resident.append(_resident_bytes())
    return resident


def _rise(step):
    before = _resident_bytes()
    # Makes what is in use now the highest that was ever in use.
    Path("/proc/self/clear_refs").write_text("5")
    step()
    return _status_bytes("VmHWM") - before


def _resident_bytes():
    """Without what malloc keeps."""
    ctypes.CDLL(None).malloc_trim(0)
    return _status_bytes("VmRSS")


def _status_bytes(name):
    status = Path("/proc/self/status").read_text()
    return int(re.search(rf"^{name}:\s+(\d+) kB$", status, re.M)[1]) * 1024


def section(say):
    say("memory")
    head = ["preset", "encode, chunks", "decode, chunks", "kept for the next, chunks"]
    peaks = {preset: worker.run(peak, codec=codec, shape=SHAPE) for preset, codec in OURS.items()}
    rows = [[preset, *(f"{p[name]:.2f}" for name in ("encode", "decode", "kept"))] for preset, p in peaks.items()]
    targets = [_peak_target(direction, peaks) for direction in ("encode", "decode")]
    targets.append(_growth_target())
    return Section({"memory": table(head, rows)}, targets)


def _peak_target(direction, peaks):
    preset = max(peaks, key=lambda preset: peaks[preset][direction])
    name = f"memory to {direction} ≤ {LIMIT} × the chunk, beyond the caller's buffers and kept sessions"
    return Target.at_most(name, peaks[preset][direction], LIMIT, note=f" ({preset})")


def _growth_target():
    few, many = N_SMALL_CHUNKS
    first, last = worker.run(after_chunks, codec=OURS["ultrafast"], counts=N_SMALL_CHUNKS, shape=SMALL_FRAME)
    name = f"memory after {many:,} chunks is that after {few}, within 1 MiB"
    return Target(name, f"{(last - first) / 2**20:+.2f} MiB", last - first <= MAX_GROWTH_BYTES)
