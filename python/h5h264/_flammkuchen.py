"""Reads what flammkuchen, and deepdish before it, have saved.

Both write with PyTables. A group says in its title what it is ("dict:2", "list:3"); numbers and texts are attributes of the
group that they are in; an object that was saved twice is a soft link. Nothing is unpickled: that could run any code.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np

from ._read import read

_VERSION = "DEEPDISH_IO_VERSION"
_ROOT_IS_NAMESPACE = "DEEPDISH_IO_ROOT_IS_SNS"
_ROOT_IS_ONE_VALUE = "DEEPDISH_IO_DEEPDISH_IO_UNPACK"
# Attributes of PyTables itself, and of its groups' filters.
_OF_PYTABLES = {"CLASS", "FILTERS", "PYTABLES_FORMAT_VERSION", "TITLE", "VERSION"}


def is_written_by_it(file: h5py.File) -> bool:
    """Whether flammkuchen or deepdish has written the file."""
    return _VERSION in file.attrs


class Loader:
    """Loads a file, or one path in it."""

    def __init__(self, how: dict[str, Any]) -> None:
        self.how = how
        # The groups that are being loaded.
        self.groups: list[h5py.Group] = []

    def load_file(self, file: h5py.File) -> Any:
        members = self.members(file)
        if _ROOT_IS_NAMESPACE in file.attrs:
            return SimpleNamespace(**members)
        if _ROOT_IS_ONE_VALUE in file.attrs and len(members) == 1:
            return next(iter(members.values()))
        return members

    def load_one(self, file: h5py.File, name: str, selection: Any) -> Any:
        found = file.get(name)
        if isinstance(found, h5py.Dataset):
            return self.load_dataset(found, selection)
        parent_name, _, last = name.rpartition("/")
        parent = file.get(parent_name or "/")
        is_attribute = found is None and isinstance(parent, h5py.Group) and last in self.values(parent)
        if found is None and not is_attribute:
            raise KeyError(f"{name!r} is not in {file.filename}")
        if selection is not None:
            raise ValueError(f"{name!r} is not an array: no part of it can be selected")
        return _attribute(parent, last) if is_attribute else self.load_group(found)

    def load_group(self, group: h5py.Group) -> Any:
        kind = _title(group).partition(":")[0]
        if kind == "nonetype":
            return None
        if "pandas_type" in group.attrs:
            raise ValueError(f"{group.name} was saved by pandas (pandas.read_hdf reads it)")
        members = self.members(group)
        if kind == "sparse":
            return _sparse(members)
        if kind == "SimpleNamespace":
            return SimpleNamespace(**members)
        if kind in ("list", "tuple"):
            in_order = (members[f"i{i}"] for i in range(len(members)))
            return list(in_order) if kind == "list" else tuple(in_order)
        return members

    def members(self, group: h5py.Group) -> dict[Any, Any]:
        if group in self.groups:
            raise ValueError(f"{group.name} contains itself (expected a tree)")
        self.groups.append(group)
        members: dict[Any, Any] = {}
        for name in group:
            found = group[name]
            member = self.load_group(found) if isinstance(found, h5py.Group) else self.load_dataset(found)
            # How old versions have saved keys that are no strings.
            if name.startswith("__pair"):
                members[member["key"]] = member["value"]
            else:
                members[name] = member
        members.update((name, _attribute(group, name)) for name in self.values(group))
        self.groups.pop()
        return members

    def values(self, group: h5py.Group) -> list[str]:
        """The names of the attributes that are values."""
        return [name for name in group.attrs if name not in _OF_PYTABLES and not name.startswith("DEEPDISH_IO")]

    def load_dataset(self, dataset: h5py.Dataset, selection: Any = None) -> Any:
        if dataset.dtype.hasobject:
            raise ValueError(f"{dataset.name} is pickled, and is not loaded: pickles can run any code")
        if "zeroarray_dtype" in dataset.attrs:
            array = np.zeros(tuple(dataset[...]), _text(dataset, "zeroarray_dtype"))
        elif "strtype" in dataset.attrs:
            kind = {"unicode": "U", "ascii": "S"}[_text(dataset, "strtype")]
            array = dataset[...].view(f"{kind}{dataset.attrs['itemsize']}")
        else:
            part = read(dataset, () if selection is None else selection, **self.how)
            return part.astype(bool) if _is_boolean(dataset.id.get_type()) else part
        return array if selection is None else array[selection]


def _title(group: h5py.Group) -> str:
    return _text(group, "TITLE") if "TITLE" in group.attrs else ""


def _text(place: Any, name: str) -> str:
    """An attribute that is a text; one without characters is stored as empty."""
    value = place.attrs[name]
    if isinstance(value, h5py.Empty):
        return ""
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def _attribute(group: h5py.Group, name: str) -> Any:
    value = group.attrs[name]
    datatype = group.attrs.get_id(name).get_type()
    if datatype.get_class() == h5py.h5t.STRING:
        if datatype.get_cset() == h5py.h5t.CSET_UTF8:
            return _text(group, name)
        stored = b"" if isinstance(value, h5py.Empty) else bytes(value)
        if stored.startswith(b"cnumpy.") and stored.endswith(b"."):
            raise ValueError(f"{group.name}: {name!r} is pickled, and is not loaded: pickles can run any code")
        return stored
    return np.bool_(value) if _is_boolean(datatype) else value


def _is_boolean(datatype: Any) -> bool:
    return datatype.get_class() == h5py.h5t.BITFIELD and datatype.get_size() == 1


def _sparse(members: dict[str, Any]) -> Any:
    from scipy import sparse

    kind, shape = members["format"], tuple(members["shape"])
    if kind == "coo":
        content: Any = (members["data"], (members["row"], members["col"]))
    elif kind == "dia":
        content = (members["data"], members["offsets"])
    else:
        content = (members["data"], members["indices"], members["indptr"])
    return getattr(sparse, f"{kind}_matrix")(content, shape=shape)
