"""Our chunks in Zarr, and in references to HDF5 files: read without HDF5, from any store.

Importing `h5h264` is not needed: Zarr and numcodecs find the codecs by the name "h5h264".
Needs numcodecs; arrays of Zarr format 3 need zarr 3.1 or later, `references` needs kerchunk.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any, Optional

import numpy as np
from numcodecs.abc import Codec
from numcodecs.compat import ensure_contiguous_ndarray, ensure_ndarray_like, ndarray_copy

from . import _library
from ._codec import decode, encode
from ._filter import H264, options_of

__all__ = ["H264Codec", "HDFParser", "references"]


class H264Codec(Codec):
    """The codec of Zarr format 2 arrays, as `compressor`, and of references to HDF5 chunks, as filter.

    `preset` and `layout` are as for `h5h264.H264`; `cd_values` are the filter's parameters of an HDF5
    dataset, which only chunks of the original layout need.
    """

    codec_id = "h5h264"

    def __init__(
        self, preset: str = "ultrafast", layout: str = "h5h264", cd_values: Optional[list[int]] = None
    ) -> None:
        options = H264(preset, layout=layout)
        self.preset, self.layout = options.preset, options.layout
        self.cd_values = None if cd_values is None else list(cd_values)

    def encode(self, buf: Any) -> bytes:
        array = np.asarray(ensure_ndarray_like(buf))
        # A chunk's bytes are those in memory: Zarr knows their order.
        if array.flags.f_contiguous and not array.flags.c_contiguous:
            array = array.T
        return encode(_numbers(array), H264(self.preset, layout=self.layout))

    def decode(self, buf: Any, out: Any = None) -> Any:
        chunk = decode(ensure_contiguous_ndarray(buf), options=tuple(self.cd_values or ()))
        return ndarray_copy(chunk, out)

    def get_config(self) -> dict[str, Any]:
        config: dict[str, Any] = {"id": self.codec_id, "preset": self.preset, "layout": self.layout}
        return config if self.cd_values is None else {**config, "cd_values": self.cd_values}


def _numbers(array: np.ndarray) -> np.ndarray:
    """The same bytes, as what the filter takes: times and texts as integers, a scalar as an array."""
    order = array.dtype.byteorder
    if array.dtype.kind in "mM":
        array = array.view(f"{order}i8")
    elif array.dtype.kind == "U" and array.dtype.itemsize:
        array = np.ascontiguousarray(array).reshape(*(array.shape or (1,)), 1).view(f"{order}u4")
    return array if array.ndim else array.reshape(1)


def references(path: Any, **options: Any) -> dict[str, Any]:
    """Makes references to the chunks of an HDF5 file, for fsspec's "reference" file system. `path` may be an open file.

    kerchunk makes them, and this function tells it how datasets with this filter are coded. `options` are those
    of `kerchunk.hdf.SingleHdf5ToZarr`. Unless they say otherwise, a dataset that references can't describe is an
    error: ValueError, or one of kerchunk's own.
    """
    from kerchunk.hdf import SingleHdf5ToZarr

    from ._filter import FILTER_ID

    class Translator(SingleHdf5ToZarr):
        def _decode_filters(self, h5obj: Any) -> list[Codec]:
            # The filter ids, or names, in the order in which they encode.
            known = dict(h5obj._filters)
            values = known.pop(str(FILTER_ID), known.pop(FILTER_ID, None))
            if values is None:
                return super()._decode_filters(h5obj)
            filters = ["h5h264" if str(name) == str(FILTER_ID) else str(name) for name in h5obj._filters]
            if filters not in (["h5h264"], ["shuffle", "h5h264"]):
                raise ValueError(
                    f"{h5obj.name} has the filters {', '.join(filters)} (expected h5h264, or shuffle before it)"
                )
            before = super()._decode_filters(_WithFilters(h5obj, known))
            return [*before, codec_of(tuple(values))]

    return Translator(path, **{"error": "raise", **options}).translate()


class HDFParser:
    """VirtualiZarr's parser of HDF5 files, for files with this filter: for `open_virtual_dataset`, and all that takes
    a parser. (Its own parser knows the filters of hdf5plugin only.)

    `group` is the group whose datasets are wanted, `skip_variables` are the names of those that are not. Chunks are not
    read, and need not be decoded: `references` finds where they are.
    """

    def __init__(self, group: Optional[str] = None, skip_variables: Iterable[str] = ()) -> None:
        self.group, self.skip_variables = group, list(skip_variables)

    def __call__(self, url: str, registry: Any) -> Any:
        from obspec_utils.readers import BlockStoreReader
        from virtualizarr.manifests import ManifestStore
        from virtualizarr.parsers.kerchunk.translator import manifestgroup_from_kerchunk_refs

        reader = _Reader(BlockStoreReader(*registry.resolve(url)))
        found: Any = references(reader, url=url, inline_threshold=0)
        group = manifestgroup_from_kerchunk_refs(found, group=self.group, skip_variables=self.skip_variables)
        return ManifestStore(group=group, registry=registry)


class _Reader(io.RawIOBase):
    """What VirtualiZarr's stores are read with, as the file that kerchunk takes."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader

    def read(self, size: int = -1) -> bytes:
        return bytes(self._reader.read(size))

    def readinto(self, buffer: Any) -> int:
        found = self._reader.read(len(buffer))
        buffer[: len(found)] = found
        return len(found)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._reader.seek(offset, whence)

    def tell(self) -> int:
        return self._reader.tell()

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True


def codec_of(cd_values: tuple[int, ...]) -> H264Codec:
    """The codec of a dataset with these parameters."""
    options = H264._from_cd_values(cd_values)
    return H264Codec(options.preset, options.layout, list(cd_values))


class _WithFilters:
    """A dataset that appears to have other filters."""

    def __init__(self, dataset: Any, filters: dict[Any, Any]) -> None:
        self._dataset, self._filters = dataset, filters

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dataset, name)


try:
    from zarr.abc.codec import ArrayBytesCodec, BytesBytesCodec
except ImportError:  # zarr 2, or none: nothing to register a serializer with
    pass
else:
    import asyncio
    from dataclasses import dataclass

    __all__ += ["H264Bytes", "H264Serializer"]

    @dataclass(frozen=True)
    class H264Serializer(ArrayBytesCodec):
        """The codec of Zarr format 3 arrays, as `serializer`: it takes arrays to bytes."""

        preset: str = "ultrafast"
        is_fixed_size = False

        def __post_init__(self) -> None:
            options_of(self.preset)

        @classmethod
        def from_dict(cls, data: dict[str, Any]) -> H264Serializer:
            return cls(**data.get("configuration", {}))

        def to_dict(self) -> dict[str, Any]:
            return {"name": "h5h264", "configuration": {"preset": self.preset}}

        def compute_encoded_size(self, input_byte_length: int, chunk_spec: Any) -> int:
            raise NotImplementedError("the size of an encoded chunk depends on what is in it")

        async def _encode_single(self, chunk_array: Any, chunk_spec: Any) -> Any:
            array = chunk_array.as_numpy_array()
            array = np.asarray(array, array.dtype.newbyteorder("<"), order="C")
            stored = await asyncio.to_thread(encode, _numbers(array), self.preset)
            return chunk_spec.prototype.buffer.from_bytes(stored)

        async def _decode_single(self, chunk_bytes: Any, chunk_spec: Any) -> Any:
            # Zarr's types of format 3 have no byte order: it is the codec's.
            dtype = chunk_spec.dtype.to_native_dtype().newbyteorder("<")
            array = await asyncio.to_thread(decode, chunk_bytes.to_bytes(), dtype, chunk_spec.shape)
            return chunk_spec.prototype.nd_buffer.from_ndarray_like(array)

    @dataclass(frozen=True)
    class H264Bytes(BytesBytesCodec):
        """`H264Codec` for Zarr format 3: as VirtualiZarr sees the chunks of references. It takes bytes to
        bytes, so it can encode only what `cd_values` describe."""

        preset: str = "ultrafast"
        layout: str = "h5h264"
        cd_values: Optional[tuple[int, ...]] = None

        is_fixed_size = False
        # The name that codecs of numcodecs have there.
        codec_name = "numcodecs.h5h264"

        @property
        def codec_config(self) -> dict[str, Any]:
            """That of `H264Codec`: what VirtualiZarr writes into references."""
            values = None if self.cd_values is None else list(self.cd_values)
            return H264Codec(self.preset, self.layout, values).get_config()

        @classmethod
        def from_dict(cls, data: dict[str, Any]) -> H264Bytes:
            known = dict(data.get("configuration", {}))
            values = known.pop("cd_values", None)
            return cls(**known, cd_values=None if values is None else tuple(values))

        def to_dict(self) -> dict[str, Any]:
            known = {name: value for name, value in self.codec_config.items() if name != "id"}
            return {"name": self.codec_name, "configuration": known}

        def compute_encoded_size(self, input_byte_length: int, chunk_spec: Any) -> int:
            raise NotImplementedError("the size of an encoded chunk depends on what is in it")

        async def _encode_single(self, chunk_bytes: Any, chunk_spec: Any) -> Any:
            if self.cd_values is None:
                raise ValueError("without cd_values, the shape of the frames is not known (use H264Serializer)")
            chunk = np.frombuffer(chunk_bytes.to_bytes(), np.uint8)
            stored = await asyncio.to_thread(_library.encode, self.cd_values, chunk)
            return chunk_spec.prototype.buffer.from_bytes(stored)

        async def _decode_single(self, chunk_bytes: Any, chunk_spec: Any) -> Any:
            options = self.cd_values or ()
            chunk = await asyncio.to_thread(decode, chunk_bytes.to_bytes(), options=options)
            return chunk_spec.prototype.buffer.from_bytes(chunk.tobytes())
