"""The plugin's C functions (src/capi/ has their contract). ctypes releases the GIL for each call."""

from __future__ import annotations

import ctypes
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

PLUGIN_PATH = str(Path(__file__).resolve().parent / "plugins")

_NAMES = {"win32": "h5h264.dll", "darwin": "libh5h264.dylib"}
_ERROR_BYTES = 1024
# By the status that a function returns: who has to act.
_EXCEPTIONS = {1: ValueError, 2: TypeError, 3: OSError, 4: MemoryError}


def plugin() -> Path:
    """The plugin's file."""
    return Path(PLUGIN_PATH, _NAMES.get(sys.platform, "libh5h264.so"))


def _load() -> ctypes.CDLL:
    library = ctypes.CDLL(str(plugin()))
    values, size, address = ctypes.POINTER(ctypes.c_uint32), ctypes.c_size_t, ctypes.c_void_p
    output: list[Any] = [ctypes.POINTER(address), ctypes.POINTER(size), ctypes.c_char_p, size]
    library.h5h264_encode.argtypes = [values, size, address, size, size, *output]
    library.h5h264_decode.argtypes = [values, size, address, size, size, *output]
    library.h5h264_describe.argtypes = [address, size, *output]
    library.h5h264_free.argtypes = [address]
    library.h5h264_free.restype = None
    library.H5PLget_plugin_info.restype = address
    return library


_library = _load()


def class_address() -> int:
    """Where the filter's H5Z_class2_t is, for H5Zregister."""
    return _library.H5PLget_plugin_info()


def encode(cd_values: tuple[int, ...], chunk: np.ndarray, n_threads: int = 0) -> np.ndarray:
    """The bytes to store for a chunk, as an array of uint8. `n_threads` is the most that are used
    for it; 0 stands for as many as HDF5 would get."""
    return _call(_library.h5h264_encode, *_values(cd_values), *_bytes(chunk), n_threads)


def decode(cd_values: tuple[int, ...], stored: Any, n_threads: int = 0) -> np.ndarray:
    """The bytes of the chunk that was stored, as an array of uint8 that nobody else uses."""
    return _call(_library.h5h264_decode, *_values(cd_values), *_bytes(stored), n_threads)


def describe(stored: Any) -> dict[str, Any]:
    """What a stored chunk tells of itself."""
    return json.loads(_call(_library.h5h264_describe, *_bytes(stored)).tobytes())


def _call(function: Any, *arguments: Any) -> np.ndarray:
    output, n_bytes = ctypes.c_void_p(), ctypes.c_size_t()
    error = ctypes.create_string_buffer(_ERROR_BYTES)
    arguments = tuple(a.ctypes.data if isinstance(a, np.ndarray) else a for a in arguments)
    status = function(*arguments, ctypes.byref(output), ctypes.byref(n_bytes), error, _ERROR_BYTES)
    if status != 0:
        raise _EXCEPTIONS.get(status, OSError)("h5h264: " + error.value.decode("utf-8", "replace"))
    return np.asarray(_Memory(output.value or 0, n_bytes.value))


def _values(cd_values: tuple[int, ...]) -> tuple[Any, int]:
    return (ctypes.c_uint32 * len(cd_values))(*cd_values), len(cd_values)


def _bytes(buffer: Any) -> tuple[np.ndarray, int]:
    """Address, as an array that is kept until after the call, and length."""
    if not isinstance(buffer, np.ndarray):
        buffer = np.frombuffer(buffer, np.uint8)
    if not buffer.flags.c_contiguous:
        raise ValueError("the chunk is not contiguous")
    return buffer, buffer.nbytes


class _Memory:
    """Memory of the library, given back when no array uses it any more."""

    __slots__ = ("__array_interface__",)
    __array_interface__: dict[str, Any]

    def __init__(self, address: int, n_bytes: int) -> None:
        self.__array_interface__ = {
            "data": (address, False),
            "shape": (n_bytes,),
            "typestr": "|u1",
            "version": 3,
        }

    def __del__(self, free: Any = _library.h5h264_free) -> None:
        free(self.__array_interface__["data"][0])
