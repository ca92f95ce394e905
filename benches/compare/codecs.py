"""What is compared: filters with their options, and codecs outside HDF5.

A codec has `store(frames)`, which gives a Stored and the seconds it took, and `load(stored, out)`,
which gives the frames and the seconds. Both raise Unsupported for types that it can't store.
"""

from dataclasses import dataclass, replace
from typing import Callable

import numpy as np

from . import memory_file
from .outside import Ffv1, JpegXl, Pcodec
from .stored import Stored, Unsupported
from .timing import Stopwatch

H5H264 = 32010
CHUNK_FRAMES = 10
PRESETS = {"ultrafast": 0, "superfast": 1, "medium": 5}

OURS = {preset: f"h5h264 {preset}" for preset in PRESETS}
DEFAULT, MEDIUM = OURS["ultrafast"], OURS["medium"]
ORIGINAL = "original layout, medium"
GZIP_4, GZIP_9, ZSTD_19 = "gzip-4 + shuffle", "gzip-9 + shuffle", "zstd-19 + shuffle"
JPEG_LS = "JPEG-LS"
UNFILTERED = "no filter"


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


def _ours(preset, layout=0):
    return lambda _dtype: {"compression": H5H264, "compression_opts": (0, 0, 0, PRESETS[preset], layout)}


def gzip(level, shuffle=True):
    return lambda _dtype: {"compression": "gzip", "compression_opts": level, "shuffle": shuffle}


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
    Filter(GZIP_4, gzip(4)),
    Filter(GZIP_9, gzip(9)),
    Filter("Bitshuffle LZ4", _hdf5plugin("Bitshuffle")),
    Filter("Bitshuffle zstd", _hdf5plugin("Bitshuffle", cname="zstd")),
    Filter("Blosc2 zstd-5 bitshuffle", _hdf5plugin("Blosc2", "zstd", 5, _BITSHUFFLE)),
    Filter("Blosc2 zstd-5 shuffle", _hdf5plugin("Blosc2", "zstd", 5, _SHUFFLE)),
    Filter(ZSTD_19, _hdf5plugin("Zstd", clevel=19, shuffle=True)),
    Filter("BZip2", _hdf5plugin("BZip2")),
    Filter("BZip2 + shuffle", _hdf5plugin("BZip2", shuffle=True)),
    # These two take one frame at a time.
    Filter("HTJ2K", _small_integers(_hdf5plugin("Htj2k")), chunk_frames=1),
    Filter(JPEG_LS, _small_integers(_hdf5plugin("FciDecomp")), chunk_frames=1),
    H5ffmpeg("h5ffmpeg x264 crf 0", _h5ffmpeg),
]
PCODEC, FFV1, JPEG_XL_1, JPEG_XL_7 = "pcodec", "FFV1", "JPEG XL effort 1", "JPEG XL effort 7"
OUTSIDE = [
    Pcodec(PCODEC, CHUNK_FRAMES),
    Ffv1(FFV1, CHUNK_FRAMES),
    JpegXl(JPEG_XL_1, effort=1),
    JpegXl(JPEG_XL_7, effort=7),
]

ALL = {
    codec.name: codec
    for codec in [
        *(Filter(name, _ours(preset)) for preset, name in OURS.items()),
        Filter(ORIGINAL, _ours("medium", layout=1)),
        *PEERS,
        *OUTSIDE,
    ]
}


def named(name, chunk_frames=None):
    """A codec; a filter may get other chunks."""
    codec = Filter(UNFILTERED, lambda _dtype: {}) if name == UNFILTERED else ALL[name]
    return codec if chunk_frames is None else replace(codec, chunk_frames=chunk_frames)
