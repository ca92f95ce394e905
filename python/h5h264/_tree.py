"""A nested dict in one file, and back."""

from __future__ import annotations

import errno
import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Optional, Union

import h5py
import numpy as np

from . import _flammkuchen
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
# Kinds of datasets that are no arrays.
_NO_ARRAYS = ("None", "bytes", *_NUMBERS, *_SEQUENCES)
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
    """Saves a nested dict as an HDF5 file. Arrays that look like images are compressed by the filter.

    Dicts become groups and everything else datasets, so every HDF5 program can read the file. `load` returns
    the same values, with the same types. Memory maps, dask arrays, datasets and other objects with a shape, a dtype and
    slices come back as NumPy arrays. The file gets its name when it is complete: if saving fails, an
    existing file of that name stays as it was.

    Parameters
    ----------
    path
        The file to write; an existing one is replaced.
    tree
        Keys are strings without "/". Values are dicts, arrays, numbers, strings, bytes, None, and lists
        and tuples of these.
    preset
        A preset's name, or options, `H264`.
    threads, progress
        As for `write`.

    Raises
    ------
    TypeError, ValueError
        A key or a value is something else, or is more than an array, as masked arrays and those of pandas and
        xarray are. The message says which one.
    """
    if not isinstance(tree, Mapping):
        raise TypeError(f"the tree is a {type(tree).__name__} (expected a dict)")
    saver = _Saver({"preset": options_of(preset), "threads": threads, "progress": progress})
    # Beside the old one: only within a folder can a file take another's place at once.
    path = Path(os.path.realpath(path))
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with h5py.File(temporary, "x", track_order=True) as file:
            saver.save_items(file, tree)
        if path.exists():
            temporary.chmod(path.stat().st_mode & 0o7777)
        _sync(temporary)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def load(
    path: Union[str, os.PathLike[str]],
    name: Optional[str] = None,
    selection: Any = None,
    *,
    threads: Optional[int] = None,
    progress: Optional[bool] = None,
) -> Any:
    """Loads the nested dict that was saved, or one value of it.

    Files of flammkuchen and deepdish are loaded as these load them. Pickled objects in them are refused, since a pickle can
    run any code. Of other HDF5 files, groups become dicts and datasets what h5py reads; attributes are left out.

    Parameters
    ----------
    path
        The file.
    name
        The path of a value in it, as "sample/temperature"; by default everything is loaded.
    selection
        The part of an array to load, as between the brackets of `array[...]`; only with `name`.
    threads, progress
        As for `read`.

    Raises
    ------
    OSError
        The file can't be read, or a chunk is damaged.
    KeyError
        There is nothing of this name.
    ValueError
        The value is not an array, and a selection is given; or it is something that can't be loaded.
    """
    if name is None and selection is not None:
        raise ValueError("a selection without a name (expected the name of the array)")
    how = {"threads": threads, "progress": progress}
    with h5py.File(path, "r") as file:
        loader = _flammkuchen.Loader(how) if _flammkuchen.is_written_by_it(file) else _Loader(how)
        return loader.load_file(file) if name is None else loader.load_one(file, name, selection)


class _Saver:
    def __init__(self, how: dict[str, Any]) -> None:
        self.how = how
        # The dicts and lists that are being saved, by identity.
        self.containers: set[int] = set()

    def save_items(self, group: h5py.Group, items: Mapping[Any, Any]) -> None:
        for key, value in items.items():
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
            with self.within(value):
                self.save_items(group.create_group(key, track_order=True), value)
        elif isinstance(value, (list, tuple)):
            self.save_sequence(group, key, value)
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
            _check_is_plain(value)
            self.save_array(group, key, value)
        else:
            raise TypeError(
                f"{type(value).__name__} can't be saved (expected a dict, array, number, string or None)"
            )

    def save_sequence(self, group: h5py.Group, key: str, value: Sequence[Any]) -> None:
        kind = "tuple" if isinstance(value, tuple) else "list"
        array = _array_of_members(value)
        if array is not None:
            group[key] = array
            group[key].attrs[_KIND] = f"{kind} of {type(value[0]).__name__}"
            return
        with self.within(value):
            members = group.create_group(key, track_order=True)
            members.attrs[_KIND] = kind
            self.save_items(members, {str(i): member for i, member in enumerate(value)})

    @contextmanager
    def within(self, container: Any) -> Iterator[None]:
        if id(container) in self.containers:
            raise ValueError("it contains itself")
        self.containers.add(id(container))
        yield
        self.containers.remove(id(container))

    def save_array(self, group: h5py.Group, key: str, array: Any) -> None:
        dtype = np.dtype(array.dtype)
        # Scalars and arrays without dimensions look alike in HDF5.
        kind = _ARRAY if array.shape == () and not isinstance(array, np.generic) else ""
        if dtype.kind == "U":
            group.create_dataset(key, data=np.asarray(array).astype(object), dtype=h5py.string_dtype())
            kind += dtype.str
        elif dtype.kind in "mM":
            group[key] = np.asarray(array).view("i8")
            kind += dtype.str
        elif looks_like_images(array.shape, dtype):
            write(group, key, array, **self.how)
        else:
            group[key] = np.asarray(array)
        if kind:
            group[key].attrs[_KIND] = kind


def _check_is_plain(array: Any) -> None:
    is_more = isinstance(array, np.ndarray) and type(array) not in (np.ndarray, np.memmap)
    if is_more or any(hasattr(array, name) for name in ("index", "coords", "mask")):
        raise TypeError(
            f"{type(array).__name__} is more than an array, and can't be saved (numpy.asarray gives its values)"
        )


def _array_of_members(members: Sequence[Any]) -> Optional[np.ndarray]:
    """The members in one array, if they are strings, or numbers, of one type; else None."""
    kinds = {type(member) for member in members}
    if len(kinds) != 1:
        return None
    (kind,) = kinds
    if kind is str:
        return np.array(members, h5py.string_dtype())
    dtypes = {bool: "b", int: "iu", float: "f", complex: "c"}
    array = np.array(members) if kind in dtypes else None
    # Integers of different sizes would become floats.
    return array if array is not None and array.dtype.kind in dtypes[kind] else None


class _Loader:
    def __init__(self, how: dict[str, Any]) -> None:
        self.how = how
        # The groups that are being loaded.
        self.groups: list[h5py.Group] = []

    def load_file(self, file: h5py.File) -> Any:
        return self.load_group(file)

    def load_one(self, file: h5py.File, name: str, selection: Any) -> Any:
        found = file.get(name)
        if found is None:
            raise KeyError(f"{name!r} is not in {file.filename}")
        if selection is None:
            return self.member(file, name)
        if not isinstance(found, h5py.Dataset) or not found.shape or found.attrs.get(_KIND, "").startswith(_NO_ARRAYS):
            raise ValueError(f"{name!r} is not an array: no part of it can be selected")
        return self.load_dataset(found, selection)

    def load_group(self, group: h5py.Group) -> Any:
        if group in self.groups:
            raise ValueError(f"{group.name} contains itself (expected a tree)")
        self.groups.append(group)
        kind = group.attrs.get(_KIND)
        loaded: Any
        if kind in _SEQUENCES:
            loaded = _SEQUENCES[kind](self.member(group, str(i)) for i in range(len(group)))
        else:
            loaded = {key: self.member(group, key) for key in group}
        self.groups.pop()
        return loaded

    def member(self, group: h5py.Group, key: str) -> Any:
        found = group.get(key)
        if isinstance(found, h5py.Group):
            return self.load_group(found)
        if isinstance(found, h5py.Dataset):
            return self.load_dataset(found)
        what = "a link that leads nowhere" if found is None else f"a {type(found).__name__}"
        raise ValueError(f"{group.name}: {key!r} is {what} (expected groups and datasets)")

    def load_dataset(self, dataset: h5py.Dataset, selection: Any = ()) -> Any:
        kind = dataset.attrs.get(_KIND, "")
        if kind == "None":
            return None
        if kind == "bytes":
            return b"" if dataset.shape is None else dataset[()].tobytes()
        if kind in _NUMBERS:
            return _NUMBERS[kind](dataset[()])
        is_text = h5py.check_string_dtype(dataset.dtype) and dataset.dtype.kind == "O"
        sequence, _, of_members = kind.partition(" of ")
        if of_members:
            members = (dataset.asstr() if is_text else dataset)[()].tolist()
            return _SEQUENCES[sequence](members)
        dtype = kind[len(_ARRAY) :] if kind.startswith(_ARRAY) else kind
        if is_text:
            text = dataset.asstr()[selection]
            if dtype and kind == dtype and not isinstance(text, np.ndarray):
                return np.str_(text)
            return np.asarray(text).astype(dtype) if dtype else text
        array = dataset[...] if kind != dtype else read(dataset, selection, **self.how)
        return array.view(dtype) if dtype else array


def looks_like_images(shape: tuple[int, ...], dtype: np.dtype) -> bool:
    """Whether video is worth trying for an array."""
    if dtype.kind not in "biufc" or len(shape) < 2 or dtype.itemsize > 16:
        return False
    height, width = shape[-3:-1] if len(shape) > 2 and shape[-1] in (3, 4) else shape[-2:]
    return min(height, width) >= _MIN_SIDE and int(np.prod(shape)) * dtype.itemsize >= _MIN_BYTES


def _sync(path: Path) -> None:
    """Waits until the file is on the disk: one that it replaces is gone after that."""
    with open(path, "rb+") as file:
        os.fsync(file.fileno())
