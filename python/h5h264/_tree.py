"""A nested dict in one file, and back."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Optional, Union

import h5py
import numpy as np

from ._filter import H264, options_of
from ._read import read
from ._write import write

# Frames of fewer pixels a side, and arrays of fewer bytes, are no images: chunks cost more there
# than video saves.
_MIN_SIDE = 8
_MIN_BYTES = 4096

# Attribute that says which Python value an object is, where HDF5's type does not.
_KIND = "h5h264_kind"
_NUMBERS = {"bool": bool, "int": int, "float": float, "complex": complex}
_SEQUENCES = {"list": list, "tuple": tuple}
# An array of no dimensions, and not a NumPy number.
_ARRAY = "array"


def save(
    path: Union[str, os.PathLike[str]],
    tree: Mapping[str, Any],
    *,
    preset: Union[str, H264] = "ultrafast",
    threads: Optional[int] = None,
    progress: Optional[bool] = None,
) -> None:
    """Saves a nested dict as an HDF5 file, every array that looks like images as lossless video.

    Dicts become groups, all else datasets, so the file is of use to every HDF5 program. `load` gives
    back what was saved, in type and value. The file appears under its name when it is complete: if
    saving fails, one that was there stays as it was.

    Parameters
    ----------
    path
        The file; an existing one is replaced.
    tree
        Keys are strings without "/"; values are dicts, NumPy arrays (also dask arrays and other things
        with a shape, a dtype and slices), numbers, strings, bytes, None, and lists and tuples of
        these.
    preset
        A preset's name, or options, `H264`.
    threads, progress
        As for `write`.

    Raises
    ------
    TypeError, ValueError
        A key or a value is something else; the sentence says which.
    """
    if not isinstance(tree, Mapping):
        raise TypeError(f"the tree is a {type(tree).__name__} (expected a dict)")
    saver = _Saver({"preset": options_of(preset), "threads": threads, "progress": progress})
    path = Path(path)
    # Beside the old one: only within a folder can a file take another's place at once.
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    try:
        with h5py.File(temporary, "w") as file:
            saver.save_items(file, tree.items())
        _take_mode(temporary, path)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def load(
    path: Union[str, os.PathLike[str]], *, threads: Optional[int] = None, progress: Optional[bool] = None
) -> dict[str, Any]:
    """The nested dict that was saved.

    Other HDF5 files can be loaded, too: groups become dicts, datasets what h5py reads; attributes
    are left out.

    Raises OSError if the file can't be read, or a chunk is damaged.
    """
    with h5py.File(path, "r") as file:
        return _Loader({"threads": threads, "progress": progress}).load_group(file)


class _Saver:
    def __init__(self, how: dict[str, Any]) -> None:
        self.how = how

    def save_items(self, group: h5py.Group, items: Any) -> None:
        for key, value in items:
            if not isinstance(key, str):
                raise TypeError(f"key {key!r} in {group.name} is a {type(key).__name__} (expected a string)")
            if key in ("", ".") or "/" in key or "\0" in key:
                raise ValueError(
                    f"key {key!r} in {group.name} can't be a name in HDF5 (expected one without '/')"
                )
            try:
                self.save(group, key, value)
            except (TypeError, ValueError, OverflowError) as error:
                if getattr(error, "_h5h264_is_placed", False):
                    raise
                placed = (TypeError if isinstance(error, TypeError) else ValueError)(
                    f"{group.name}: {key!r}: {error}"
                )
                placed._h5h264_is_placed = True  # type: ignore[union-attr]
                raise placed from error

    def save(self, group: h5py.Group, key: str, value: Any) -> None:
        if isinstance(value, Mapping):
            self.save_items(group.create_group(key, track_order=True), value.items())
        elif isinstance(value, (list, tuple)):
            members = group.create_group(key, track_order=True)
            members.attrs[_KIND] = "tuple" if isinstance(value, tuple) else "list"
            self.save_items(members, ((str(i), member) for i, member in enumerate(value)))
        elif value is None:
            group[key] = h5py.Empty("u1")
            group[key].attrs[_KIND] = "None"
        elif isinstance(value, np.generic):
            self.save_array(group, key, value)
        elif type(value) in _NUMBERS.values():
            if isinstance(value, int) and not -(2**63) <= value < 2**64:
                raise ValueError(f"{value} can't be saved (expected an integer of 64 bits)")
            group[key] = value
            group[key].attrs[_KIND] = type(value).__name__
        elif isinstance(value, str):
            group[key] = value
        elif isinstance(value, bytes):
            group[key] = np.frombuffer(value, "u1") if value else h5py.Empty("u1")
            group[key].attrs[_KIND] = "bytes"
        elif hasattr(value, "shape") and hasattr(value, "dtype"):
            self.save_array(group, key, value)
        else:
            raise TypeError(
                f"{type(value).__name__} can't be saved (expected a dict, array, number, string or None)"
            )

    def save_array(self, group: h5py.Group, key: str, array: Any) -> None:
        dtype = np.dtype(array.dtype)
        if dtype.kind == "U":
            group.create_dataset(key, data=np.asarray(array).astype(object), dtype=h5py.string_dtype())
            group[key].attrs[_KIND] = dtype.str
        elif dtype.kind in "mM":
            group[key] = np.asarray(array).view("i8")
            group[key].attrs[_KIND] = dtype.str
        elif looks_like_images(array.shape, dtype):
            write(group, key, array, **self.how)
        else:
            group[key] = np.asarray(array)
            if isinstance(array, np.ndarray) and array.ndim == 0:
                group[key].attrs[_KIND] = _ARRAY


class _Loader:
    def __init__(self, how: dict[str, Any]) -> None:
        self.how = how

    def load_group(self, group: h5py.Group) -> Any:
        kind = group.attrs.get(_KIND)
        if kind in _SEQUENCES:
            return _SEQUENCES[kind](self.load(group[str(i)]) for i in range(len(group)))
        return {key: self.load(value) for key, value in group.items()}

    def load(self, value: Any) -> Any:
        if isinstance(value, h5py.Group):
            return self.load_group(value)
        if not isinstance(value, h5py.Dataset):
            raise ValueError(f"{value.name} is a {type(value).__name__} (expected groups and datasets)")
        kind = value.attrs.get(_KIND)
        if kind == "None":
            return None
        if kind == "bytes":
            return b"" if value.shape is None else value[()].tobytes()
        if kind in _NUMBERS:
            return _NUMBERS[kind](value[()])
        if h5py.check_string_dtype(value.dtype) and value.dtype.kind == "O":
            text = value.asstr()[()]
            return np.asarray(text).astype(kind) if kind else text
        if kind == _ARRAY:
            return value[...]
        array = read(value, (), **self.how)
        return array.view(kind) if kind else array


def looks_like_images(shape: tuple[int, ...], dtype: np.dtype) -> bool:
    """Whether video is worth trying for an array."""
    if dtype.kind not in "biufc" or len(shape) < 2 or dtype.itemsize > 16:
        return False
    height, width = shape[-3:-1] if len(shape) > 2 and shape[-1] in (3, 4) else shape[-2:]
    return min(height, width) >= _MIN_SIDE and int(np.prod(shape)) * dtype.itemsize >= _MIN_BYTES


def _take_mode(temporary: str, path: Path) -> None:
    """mkstemp's files are for their owner alone: the mode of the old file, or what files get."""
    if path.exists():
        os.chmod(temporary, path.stat().st_mode & 0o7777)
    else:
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
