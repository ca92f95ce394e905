"""The codec of single chunks, for direct chunk writing and reading and for other stores."""

from __future__ import annotations

import uuid
from functools import lru_cache
from typing import Any, Optional, Union

import h5py
import numpy as np

from . import _library
from ._filter import H264, options_of, pipeline
from ._parallel import n_threads_for_one


def encode(array: Any, preset: Union[str, H264] = "ultrafast", *, threads: Optional[int] = None) -> bytes:
    """The bytes that HDF5 would store for a chunk: those of the filter, exactly.

    They can go to `dataset.id.write_direct_chunk` of a dataset with this filter and chunks of the
    array's shape and type, or anywhere else. The GIL is released while encoding.

    Parameters
    ----------
    array
        The chunk: (…, height, width), or (…, height, width, 3 or 4) for colour.
    preset
        A preset's name, or options, `H264`.
    threads
        Threads to use at most; default: those that HDF5 would get.

    Raises
    ------
    ValueError
        The options do not fit the chunk, or it is empty.
    TypeError
        Its type is not one that HDF5 stores, or that the filter takes.
    """
    array = np.asarray(array)
    if array.dtype.hasobject or array.dtype.kind == "U":
        raise TypeError(f"a chunk of {array.dtype} can't be encoded (expected numbers)")
    if array.ndim == 0 or array.size == 0:
        raise ValueError(
            f"an array of shape {array.shape} is not a chunk (expected one element at least, not a scalar)"
        )
    cd_values = cd_values_for(array.dtype, array.shape, options_of(preset))
    return _library.encode(cd_values, np.ascontiguousarray(array), n_threads_for_one(threads))


def decode(
    buffer: Any,
    dtype: Any = np.uint8,
    shape: Any = -1,
    *,
    options: Union[str, H264, tuple[int, ...]] = (),
    threads: Optional[int] = None,
) -> np.ndarray:
    """The array that was encoded to these bytes.

    A stored chunk is checked and decoded by itself; but it knows bytes and not numbers, as HDF5
    chunks do. So the type and the shape are the caller's, as with `numpy.frombuffer`: without them,
    the chunk's bytes come as an array of uint8. The GIL is released while decoding.

    Parameters
    ----------
    buffer
        What `encode` or `dataset.id.read_direct_chunk` gave.
    dtype, shape
        Those of the array to return; at most one length may be -1, for what is left.
    options
        For chunks of the original layout, which need to be told the frames: `H264`, or the
        filter's parameters as they are stored with the dataset.
    threads
        Threads to use at most; default: those that HDF5 would get.

    Raises
    ------
    OSError
        The bytes are damaged, were not written by this filter, or need a newer version of it.
    ValueError
        The chunk does not have the size of such an array.
    """
    dtype = np.dtype(dtype)
    if dtype.hasobject:
        raise TypeError(f"a chunk can't be decoded to {dtype}, Python objects (expected numbers)")
    cd_values = options_of(options).filter_options if isinstance(options, (str, H264)) else tuple(options)
    n_bytes = _library.decoded_bytes(cd_values, buffer)
    try:
        chunk = np.empty(n_bytes, np.uint8).view(dtype).reshape(shape)
    except ValueError:
        raise ValueError(
            f"the chunk decodes to {n_bytes} bytes (expected those of {dtype} × {shape})"
        ) from None
    _library.decode(cd_values, buffer, chunk, n_threads_for_one(threads))
    return chunk


@lru_cache(maxsize=256)
def cd_values_for(dtype: np.dtype, shape: tuple[int, ...], options: H264) -> tuple[int, ...]:
    """What the filter stores with a dataset of one such chunk: it says so itself, of a dataset in
    memory."""
    # HDF5 knows files by name, and other threads may be here as well.
    with h5py.File(f"h5h264-{uuid.uuid4()}", "w", driver="core", backing_store=False) as file:
        dataset = file.create_dataset("chunk", shape, dtype, chunks=shape, compression=options)
        ((_, cd_values),) = pipeline(dataset)
    return cd_values
