"""What is compared: filters with their options, and JPEG XL outside HDF5.

A codec has `store(frames)`, which gives a Stored and the seconds it took, and `load(stored, out)`,
which gives the frames and the seconds. Both raise Unsupported for types that it can't store.
"""

from dataclasses import dataclass, replace
from typing import Any, Callable

import numpy as np

from . import memory_file
from .timing import Stopwatch
from .worker import n_threads

H5H264 = 32010
CHUNK_FRAMES = 10
PRESETS = {"ultrafast": 0, "superfast": 1, "medium": 5}

OURS = {preset: f"h5h264 {preset}" for preset in PRESETS}
DEFAULT = OURS["ultrafast"]
ORIGINAL = "original layout, medium"


class Unsupported(Exception):
    """The codec does not store frames of this type."""


@dataclass
class Stored:
    content: Any
    n_bytes: int


@dataclass(frozen=True)
class Filter:
    """An HDF5 filter: `options` gives create_dataset's arguments for a type."""

    name: str
    options: Callable[[np.dtype], dict]
    chunk_frames: int = CHUNK_FRAMES

    def store(self, frames):
        options = self.options(frames.dtype)
        with memory_file.new() as file:
            try:
                dataset, seconds = memory_file.write(file, frames, self.chunk_frames, options)
            except (OSError, ValueError, AssertionError) as error:
                raise Unsupported(str(error)) from error
            if not memory_file.is_filtered(dataset):
                raise Unsupported("HDF5 left the filter out")
            return Stored(file.id.get_file_image(), dataset.id.get_storage_size()), seconds

    def load(self, stored, out):
        with memory_file.opened(stored.content) as file, Stopwatch() as watch:
            file["frames"].read_direct(out)
        return out, watch.seconds


class H5ffmpeg(Filter):
    """Replaces h5py's functions to scale other types than bytes to 8 bits and back."""

    def load(self, stored, out):
        with memory_file.opened(stored.content) as file, Stopwatch() as watch:
            frames = file["frames"][...]
        return frames, watch.seconds


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


def _ours(preset, layout=0):
    return lambda _dtype: {"compression": H5H264, "compression_opts": (0, 0, 0, PRESETS[preset], layout)}


def _gzip(level):
    return lambda _dtype: {"compression": "gzip", "compression_opts": level, "shuffle": True}


def _hdf5plugin(class_name, *arguments, shuffle=False, **keywords):
    def options(_dtype):
        import hdf5plugin

        return {**getattr(hdf5plugin, class_name)(*arguments, **keywords), "shuffle": shuffle}

    return options


def _small_integers(options):
    def checked(dtype):
        if dtype.kind not in "iu" or dtype.itemsize > 2:
            raise Unsupported(f"{dtype}: expected integers of 8 or 16 bits")
        return options(dtype)

    return checked


def _h5ffmpeg(_dtype):
    import h5ffmpeg

    return h5ffmpeg.x264(crf=0)


# Of hdf5plugin's Blosc2: numbers of its filters.
_SHUFFLE, _BITSHUFFLE = 1, 2

PEERS = [
    Filter("gzip-4 + shuffle", _gzip(4)),
    Filter("gzip-9 + shuffle", _gzip(9)),
    Filter("Bitshuffle LZ4", _hdf5plugin("Bitshuffle")),
    Filter("Bitshuffle zstd", _hdf5plugin("Bitshuffle", cname="zstd")),
    Filter("Blosc2 zstd-5 bitshuffle", _hdf5plugin("Blosc2", "zstd", 5, _BITSHUFFLE)),
    Filter("Blosc2 zstd-5 shuffle", _hdf5plugin("Blosc2", "zstd", 5, _SHUFFLE)),
    Filter("BZip2", _hdf5plugin("BZip2")),
    Filter("BZip2 + shuffle", _hdf5plugin("BZip2", shuffle=True)),
    # These two take one frame at a time.
    Filter("HTJ2K", _small_integers(_hdf5plugin("Htj2k")), chunk_frames=1),
    Filter("JPEG-LS", _small_integers(_hdf5plugin("FciDecomp")), chunk_frames=1),
    H5ffmpeg("h5ffmpeg x264 crf 0", _h5ffmpeg),
]
JPEG_XL = [JpegXl(f"JPEG XL effort {effort}", effort) for effort in (1, 7)]

ALL = {
    codec.name: codec
    for codec in [
        *(Filter(name, _ours(preset)) for preset, name in OURS.items()),
        Filter(ORIGINAL, _ours("medium", layout=1)),
        *PEERS,
        *JPEG_XL,
    ]
}


def rechunked(name, chunk_frames):
    """A filter with other chunks."""
    return replace(ALL[name], chunk_frames=chunk_frames)
