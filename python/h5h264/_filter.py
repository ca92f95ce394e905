"""The filter as h5py sees it: its id, its options, its registration."""

from __future__ import annotations

import operator
import os
from typing import Any, Optional

import h5py

from . import _library, calib

FILTER_ID = 32010

#: x264's presets, from the fastest to the one that tries hardest.
PRESETS = (
    "ultrafast",
    "superfast",
    "veryfast",
    "faster",
    "fast",
    "medium",
    "slow",
    "slower",
    "veryslow",
    "placebo",
)
LAYOUTS = ("h5h264", "original", "movie")

# docs/cd_values.md: a stored list has ten values, of which the sixth is this tag, and the low three
# bits of the seventh say which of the first three the user had passed.
_N_STORED = 10
_STORED_TAG = 0x68350001


class H264(h5py.filters.FilterRefBase):
    """The filter with its options, for `compression=` of h5py's `create_dataset`.

    `create_dataset(..., **H264())` works, too.

    Parameters
    ----------
    preset
        How hard the filter tries, by x264's names (`PRESETS`). "superfast" is the first to try if files
        should be smaller. Slower ones save more on plain movies only.
    frame
        (height, width) of a frame, if the shape of the chunks does not say it. 0 stands for the value that the
        shape says. The product of height, width and `sample_bytes` has to divide the size of a chunk.
    sample_bytes
        Bytes per sample, 1 to 16, if the type does not say it.
    layout
        "h5h264", the default. "movie" stores frames of bytes as a plain movie even if another coding is
        smaller, so that FFmpeg can take the movie out of the file. "original" makes chunks that the original
        h5h264, a C plugin, can read; they have no checksum.

    Raises
    ------
    ValueError, TypeError
        An option is out of range, or not of its type.
    """

    filter_id = FILTER_ID

    preset: str
    frame: Optional[tuple[int, int]]
    sample_bytes: Optional[int]
    layout: str

    def __init__(
        self,
        preset: str = PRESETS[0],
        frame: Optional[tuple[int, int]] = None,
        sample_bytes: Optional[int] = None,
        layout: str = LAYOUTS[0],
    ) -> None:
        self.__dict__.update(
            preset=_one_of("preset", preset, PRESETS),
            frame=None if frame is None else _frame(frame),
            sample_bytes=None if sample_bytes is None else _number("sample_bytes", sample_bytes, 1, 16),
            layout=_one_of("layout", layout, LAYOUTS),
        )

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{name} can't be set: options do not change")

    @property
    def filter_options(self) -> tuple[int, ...]:
        """The numbers to pass to HDF5: as many as are needed."""
        described = (*(self.frame or (0, 0)), self.sample_bytes or 0)
        numbers = (*described, PRESETS.index(self.preset), LAYOUTS.index(self.layout))
        n = max((i + 1 for i, number in enumerate(numbers) if number), default=0)
        return numbers[: max(3, n)] if n else ()

    @classmethod
    def from_dataset(cls, dataset: h5py.Dataset) -> H264:
        """The options that a dataset was created with, to create another one like it.

        Raises ValueError if the dataset does not have this filter.
        """
        return cls._from_cd_values(stored_cd_values(dataset))

    @classmethod
    def _from_cd_values(cls, values: tuple[int, ...]) -> H264:
        numbers = (*values, 0, 0, 0, 0, 0)[:5]
        if len(values) == _N_STORED and values[5] == _STORED_TAG:
            passed = [number if values[6] >> slot & 1 else 0 for slot, number in enumerate(numbers[:3])]
            numbers = (passed[0], passed[1], passed[2], numbers[3], numbers[4])
        height, width, sample_bytes, preset, layout = numbers
        if preset >= len(PRESETS) or layout >= len(LAYOUTS):
            raise ValueError(f"the dataset has the filter parameters {values}, which this version does not know")
        return cls(
            preset=PRESETS[preset],
            frame=(height, width) if height or width else None,
            sample_bytes=sample_bytes or None,
            layout=LAYOUTS[layout],
        )

    def __repr__(self) -> str:
        options = {"preset": PRESETS[0], "frame": None, "sample_bytes": None, "layout": LAYOUTS[0]}
        given = (
            f"{name}={getattr(self, name)!r}"
            for name, default in options.items()
            if getattr(self, name) != default
        )
        return f"h5h264.H264({', '.join(given)})"


def register() -> bool:
    """Registers the filter, and that of calibration views, with h5py's HDF5. Importing this package calls it.

    If HDF5 already knows a filter with one of these ids, or finds one in `HDF5_PLUGIN_PATH`, it keeps that one.
    Returns whether this call has registered this package's filter 32010.
    """
    _register(calib.FILTER_ID, "h5calib")
    return _register(FILTER_ID, "h5h264")


def _register(filter_id: int, name: str) -> bool:
    if h5py.h5z.filter_avail(filter_id):
        return False
    if hasattr(h5py.h5z, "register_filter"):
        h5py.h5z.register_filter(_library.class_address(name))
    else:  # h5py 3.7
        # Before the other folders: HDF5 1.10 gives up at the first that does not exist.
        h5py.h5pl.prepend(os.fsencode(_library.PLUGIN_PATH))
    return bool(h5py.h5z.filter_avail(filter_id))


def pipeline(dataset: h5py.Dataset) -> list[tuple[int, tuple[int, ...]]]:
    """(filter id, cd_values) of each filter, in the order in which they encode."""
    plist = dataset.id.get_create_plist()
    filters = (plist.get_filter(i) for i in range(plist.get_nfilters()))
    return [(filter_id, tuple(values)) for filter_id, _, values, _ in filters]


def stored_cd_values(dataset: h5py.Dataset) -> tuple[int, ...]:
    """The filter's parameters as they are stored with the dataset."""
    if not isinstance(dataset, h5py.Dataset):
        raise TypeError(f"dataset is a {type(dataset).__name__} (expected a dataset of h5py)")
    for filter_id, values in pipeline(dataset):
        if filter_id == FILTER_ID:
            return values
    raise ValueError(f"dataset {dataset.name} does not have the filter h5h264, {FILTER_ID}")


def options_of(preset: Any) -> H264:
    """The options that a caller means: a preset's name, or options."""
    return preset if isinstance(preset, H264) else H264(preset)


def _one_of(name: str, value: Any, known: tuple[str, ...]) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{name} is {value!r} (expected one of {', '.join(known)})")
    if value not in known:
        raise ValueError(f"{name} {value!r} does not exist (expected one of {', '.join(known)})")
    return value


def _frame(frame: Any) -> tuple[int, int]:
    try:
        height, width = frame
    except (TypeError, ValueError):
        raise TypeError(f"frame is {frame!r} (expected (height, width))") from None
    return _number("frame height", height, 0, 2**32 - 1), _number("frame width", width, 0, 2**32 - 1)


def _number(name: str, value: Any, least: int, most: int) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is {value!r} (expected a whole number)") from None
    if not least <= number <= most:
        raise ValueError(f"{name} is {number} (expected {least} to {most})")
    return number
