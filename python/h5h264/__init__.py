"""Lossless video for image sequences in HDF5.

Importing this package makes the filter (id 32010) known to h5py, for reading and for writing, and
that of calibration views (id 57836):

>>> import h5py, h5h264
>>> with h5py.File("frames.h5", "w") as file:
...     file.create_dataset("frames", data=frames, chunks=(10, 256, 256), compression=h5h264.H264())

`write` and `read` do the same on all cores, `encode` and `decode` work on single chunks, `info` says
how a dataset is stored, and `calib` makes datasets of calibrated frames. `PLUGIN_PATH` is the folder
of the plugins, for other programs' `HDF5_PLUGIN_PATH`.
"""

from . import calib
from ._chunks import ChunkShape, chunks
from ._codec import decode, encode
from ._filter import FILTER_ID, PRESETS, H264, register
from ._info import ChunkInfo, Info, info
from ._library import PLUGIN_PATH
from ._read import as_dask, read
from ._show import Player, show
from ._strip import Strip
from ._tree import load, save
from ._version import __version__
from ._write import write

__all__ = [
    "FILTER_ID",
    "PLUGIN_PATH",
    "PRESETS",
    "H264",
    "ChunkInfo",
    "ChunkShape",
    "Info",
    "Player",
    "Strip",
    "as_dask",
    "calib",
    "chunks",
    "decode",
    "encode",
    "info",
    "load",
    "read",
    "register",
    "save",
    "show",
    "write",
    "__version__",
]

_registered_on_import = register()
