"""Codecs outside HDF5, with the `store` and `load` of those in codecs.py.

Only the coding is timed, not choices between variants or conversions of types.
"""

import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .stored import Stored, Unsupported
from .timing import Stopwatch
from .worker import n_threads

# In memory, where there is such a folder.
MEMORY_FOLDER = "/dev/shm" if Path("/dev/shm").is_dir() else None


@dataclass(frozen=True)
class JpegXl:
    """One image a frame."""

    name: str
    effort: int

    def store(self, frames):
        import imagecodecs

        options = {"lossless": True, "effort": self.effort, "numthreads": n_threads()}
        try:
            with Stopwatch() as watch:
                images = [imagecodecs.jpegxl_encode(frame, **options) for frame in frames]
        except ValueError as error:
            raise Unsupported(str(error)) from error
        return Stored(images, sum(map(len, images))), watch.seconds

    def load(self, stored, out):
        import imagecodecs

        with Stopwatch() as watch:
            for image, frame in zip(stored.content, out):
                frame[:] = imagecodecs.jpegxl_decode(image, numthreads=n_threads())
        return out, watch.seconds


@dataclass(frozen=True)
class Pcodec:
    """Chunks of frames: of the samples, or of integers' differences to the left or to the frame before,
    what is smallest."""

    name: str
    chunk_frames: int

    def store(self, frames):
        axes = (None, 2, 0) if frames.dtype.kind in "iu" else (None,)
        attempts = [self._store(frames, axis) for axis in axes]
        return min(attempts, key=lambda attempt: attempt[0].n_bytes)

    def load(self, stored, out):
        from pcodec import standalone

        axis, chunks = stored.content
        with Stopwatch() as watch:
            for start, streams in zip(range(0, len(out), self.chunk_frames), chunks):
                chunk = out[start : start + self.chunk_frames]
                for part, stream in zip(_parts(chunk, axis), streams):
                    part[...] = standalone.simple_decompress(stream).reshape(part.shape).view(part.dtype)
                if axis is not None:
                    np.cumsum(chunk, axis=axis, dtype=chunk.dtype, out=chunk)
        return out, watch.seconds

    def _store(self, frames, axis):
        from pcodec import ChunkConfig, standalone

        config = ChunkConfig(enable_8_bit=True)
        chunks = []
        try:
            with Stopwatch() as watch:
                for start in range(0, len(frames), self.chunk_frames):
                    streams = _differences(frames[start : start + self.chunk_frames], axis)
                    chunks.append([standalone.simple_compress(stream.ravel(), config) for stream in streams])
        except (RuntimeError, TypeError) as error:
            raise Unsupported(str(error)) from error
        n_bytes = sum(len(stream) for streams in chunks for stream in streams)
        return Stored((axis, chunks), n_bytes), watch.seconds


def _parts(chunk, axis):
    """The first column or frame, and what comes after it, which have different statistics."""
    parts = [chunk] if axis is None else np.split(chunk, [1], axis)
    return [part for part in parts if part.size]


def _differences(chunk, axis):
    """The parts of a chunk, the second one as differences, which wrap around, to the sample before."""
    first, *rest = _parts(chunk, axis)
    return [first, np.diff(chunk, axis=axis).view(f"i{chunk.itemsize}")] if rest else [first]


@dataclass(frozen=True)
class Ffv1:
    """A file of the `ffmpeg` program, which says itself how long it coded: starting it is not counted.

    Stores what is, whatever its type, integers of 8 or 16 bits.
    """

    name: str
    group_frames: int

    def store(self, frames):
        samples = _as_small_integers(frames)
        height, width = frames.shape[1:]
        pixels = {1: "gray", 2: "gray16le"}[samples.itemsize]
        source = ["-f", "rawvideo", "-pix_fmt", pixels, "-video_size", f"{width}x{height}", "-i", "raw"]
        coding = ["-c:v", "ffv1", "-level", "3", "-slices", "4", "-g", str(self.group_frames)]
        with tempfile.TemporaryDirectory(dir=MEMORY_FOLDER) as folder:
            samples.tofile(Path(folder, "raw"))
            seconds = _run_ffmpeg(folder, [*source, *coding, "-threads", str(n_threads()), "-f", "nut", "coded"])
            coded = Path(folder, "coded").read_bytes()
        return Stored((coded, samples.dtype), len(coded)), seconds

    def load(self, stored, out):
        coded, dtype = stored.content
        with tempfile.TemporaryDirectory(dir=MEMORY_FOLDER) as folder:
            Path(folder, "coded").write_bytes(coded)
            options = ["-threads", str(n_threads()), "-i", "coded", "-f", "rawvideo", "raw"]
            seconds = _run_ffmpeg(folder, options)
            out[...] = np.fromfile(Path(folder, "raw"), dtype).reshape(out.shape)
        return out, seconds


def _as_small_integers(frames):
    if frames.dtype == "uint8":
        return frames
    with np.errstate(invalid="ignore"):
        samples = frames.astype("<u2")
    if not np.array_equal(samples, frames):
        raise Unsupported(f"{frames.dtype}: expected values that are integers of 16 bits")
    return samples


def _run_ffmpeg(folder, options):
    """Seconds of coding, as it reports them."""
    program = shutil.which("ffmpeg")
    if not program:
        raise Unsupported("no program ffmpeg")
    command = [program, "-nostdin", "-hide_banner", "-benchmark", *options]
    report = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    found = re.search(r"^bench: .*rtime=([\d.]+)s", report.stderr, re.M)
    if report.returncode != 0 or not found:
        raise Unsupported((report.stderr.strip().splitlines() or ["ffmpeg failed"])[-1])
    # It counts milliseconds.
    return max(float(found[1]), 0.001)
