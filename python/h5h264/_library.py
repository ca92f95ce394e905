"""The plugins, and the C functions of libh5h264 (src/capi/ has their contract). ctypes releases the GIL for each call."""

from __future__ import annotations

import ctypes
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

PLUGIN_PATH = str(Path(__file__).resolve().parent / "plugins")

_FILES = {"win32": "{}.dll", "darwin": "lib{}.dylib"}
_ERROR_BYTES = 1024
# By the status that a function returns: who has to act.
_EXCEPTIONS = {1: ValueError, 2: TypeError, 3: OSError, 4: MemoryError}


def plugin(name: str = "h5h264") -> Path:
    """The file of a plugin."""
    return Path(PLUGIN_PATH, _FILES.get(sys.platform, "lib{}.so").format(name))


def _load() -> ctypes.CDLL:
    library = ctypes.CDLL(str(plugin()))
    size, address = ctypes.c_size_t, ctypes.c_void_p
    options: list[Any] = [ctypes.POINTER(ctypes.c_uint32), size]
    memory: list[Any] = [address, size]
    given: list[Any] = [ctypes.POINTER(address), ctypes.POINTER(size)]
    error: list[Any] = [ctypes.c_char_p, size]
    library.h5h264_encode.argtypes = [*options, *memory, size, *given, *error]
    library.h5h264_decoded_bytes.argtypes = [*options, *memory, ctypes.POINTER(size), *error]
    library.h5h264_decode.argtypes = [*options, *memory, size, *memory, *error]
    library.h5h264_describe.argtypes = [*memory, *given, *error]
    library.h5h264_free.argtypes = [address]
    library.h5h264_free.restype = None
    library.h5h264_n_threads.restype = size
    return library


_library = _load()


def class_address(name: str) -> int:
    """Where the H5Z_class2_t of a plugin's filter is, for H5Zregister."""
    function = ctypes.CDLL(str(plugin(name))).H5PLget_plugin_info
    function.restype = ctypes.c_void_p
    return function()


def n_threads() -> int:
    """How many threads a chunk gets in HDF5: `H5H264_THREADS`, or the cores that this process may use."""
    return int(_library.h5h264_n_threads())


def encode(cd_values: tuple[int, ...], chunk: np.ndarray, n_threads: int = 0) -> bytes:
    """The bytes to store for a chunk. `n_threads` is the most that are used for it; 0 stands for as
    many as HDF5 would get."""
    return _given(_library.h5h264_encode, *_options(cd_values), *_memory(chunk), n_threads)


def decoded_bytes(cd_values: tuple[int, ...], stored: Any) -> int:
    """How large the chunk is that was stored."""
    found = ctypes.c_size_t()
    _call(_library.h5h264_decoded_bytes, *_options(cd_values), *_memory(_array(stored)), ctypes.byref(found))
    return found.value


def decode(cd_values: tuple[int, ...], stored: Any, chunk: np.ndarray, n_threads: int = 0) -> None:
    """Decodes to an array, which has to have the chunk's size. After an error, anything may be in it."""
    memory = (*_memory(_array(stored)), n_threads, *_memory(chunk))
    _call(_library.h5h264_decode, *_options(cd_values), *memory)


def describe(stored: Any) -> dict[str, Any]:
    """What a stored chunk tells of itself."""
    return json.loads(_given(_library.h5h264_describe, *_memory(_array(stored))))


def _given(function: Any, *arguments: Any) -> bytes:
    """A copy of the buffer that a function gives. Memory that Python frees by itself would take a
    finalizer, in which a Ctrl-C gets lost."""
    output, n_bytes = ctypes.c_void_p(), ctypes.c_size_t()
    _call(function, *arguments, ctypes.byref(output), ctypes.byref(n_bytes))
    try:
        return (ctypes.c_char * n_bytes.value).from_address(output.value or 0).raw
    finally:
        _library.h5h264_free(output)


def _call(function: Any, *arguments: Any) -> None:
    error = ctypes.create_string_buffer(_ERROR_BYTES)
    # `arguments` holds the arrays until after the call.
    values = (a.ctypes.data if isinstance(a, np.ndarray) else a for a in arguments)
    status = function(*values, error, _ERROR_BYTES)
    if status != 0:
        raise _EXCEPTIONS.get(status, OSError)("h5h264: " + error.value.decode("utf-8", "replace"))


def _options(cd_values: tuple[int, ...]) -> tuple[Any, int]:
    return (ctypes.c_uint32 * len(cd_values))(*cd_values), len(cd_values)


def _memory(array: np.ndarray) -> tuple[np.ndarray, int]:
    """The array, which stands for its address, and its length."""
    if not array.flags.c_contiguous:
        raise ValueError("the chunk is not contiguous")
    return array, array.nbytes


def _array(buffer: Any) -> np.ndarray:
    return buffer if isinstance(buffer, np.ndarray) else np.frombuffer(buffer, np.uint8)
