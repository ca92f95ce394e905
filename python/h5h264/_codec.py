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
    """Encodes a chunk to exactly the bytes that HDF5 would store for it.

    `dataset.id.write_direct_chunk` takes them, if the dataset has this filter and chunks of the array's
    shape and type. They can also be stored anywhere else. The GIL is released while encoding.

    Parameters
    ----------
    array
        The chunk: (…, height, width), or (…, height, width, 3 or 4) for colour.
    preset
        A preset's name, or options, `H264`.
    threads
        The most threads to use; the default is as many as within HDF5.

    Raises
    ------
    ValueError
        The options do not fit the chunk, or the chunk is empty.
    TypeError
        HDF5 or the filter does not support the type of the array.
    """
    array = np.asarray(array)
    if array.dtype.hasobject or array.dtype.kind == "U":
        raise TypeError(f"a chunk of {array.dtype} can't be encoded (expected numbers)")
    if array.ndim == 0 or array.size == 0:
        raise ValueError(
            f"an array of shape {array.shape} is not a chunk (expected at least one dimension and one element)"
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
    """Decodes a stored chunk to an array.

    A stored chunk contains all that is needed to decode its bytes, and their checksum. It does not contain their
    type and shape, so these are arguments, as with `numpy.frombuffer`. Without them, the bytes of the
    chunk are returned as an array of uint8. The GIL is released while decoding.

    Parameters
    ----------
    buffer
        The bytes that `encode` or `dataset.id.read_direct_chunk` returned.
    dtype, shape
        Type and shape of the array to return. One length may be -1; it is computed from the number of bytes.
    options
        Needed only for chunks in the layout of the original h5h264, which do not contain the shape of their
        frames: `H264`, or the filter parameters that are stored with the dataset.
    threads
        The most threads to use; the default is as many as within HDF5.

    Raises
    ------
    OSError
        The bytes are damaged, were not written by this filter, or were written by a newer version of it.
    ValueError
        The chunk does not have the size of an array of this type and shape.
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
            f"the chunk decodes to {n_bytes} bytes (expected the size of an array of {dtype} and shape {shape})"
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
