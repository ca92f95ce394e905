"""`H264`: what h5py gets, what is refused, and what can be told from a dataset."""

import copy
import pickle

import h5h264
import h5py
import numpy as np
import pytest
from h5h264 import H264

from support import check_stored, filters, movie

OPTIONS = [
    H264(),
    H264("medium"),
    H264(frame=(40, 60), sample_bytes=2),
    H264("superfast", frame=(20, 120), sample_bytes=2),
    H264("superfast", frame=(0, 60)),
    H264(sample_bytes=2),
    H264("slow", layout="original"),
]


@pytest.mark.parametrize("options", OPTIONS, ids=repr)
def test_options_reach_the_dataset_and_are_found_there(path, options):
    frames = movie((4, 40, 60), "<u2")
    with h5py.File(path, "w") as file:
        file.create_dataset("frames", data=frames, chunks=(2, 40, 60), compression=options)
        file.create_dataset("starred", data=frames, chunks=(2, 40, 60), **options)
    with h5py.File(path) as file:
        for dataset in file.values():
            (found,) = filters(dataset)
            assert found[0] == h5h264.FILTER_ID
            assert H264.from_dataset(dataset) == options
            assert dataset.id.read_direct_chunk((0, 0, 0))[0] == 0
        assert np.array_equal(dataset, frames)


@pytest.mark.parametrize("options", OPTIONS, ids=repr)
def test_the_repr_can_be_pasted(options):
    pasted = eval(repr(options), {"h5h264": h5h264})
    assert pasted == options and hash(pasted) == hash(options)
    assert repr(pasted) == repr(options)


@pytest.mark.parametrize("number, preset", list(enumerate(h5h264.PRESETS)))
def test_presets_have_the_numbers_of_the_filter(number, preset):
    assert H264(preset).filter_options == ((0, 0, 0, number) if number else ())


@pytest.mark.parametrize(
    "arguments, error, sentence",
    [
        (
            {"preset": "fastest"},
            ValueError,
            r"preset 'fastest' does not exist \(expected one of ultrafast, superfast",
        ),
        ({"preset": 3}, TypeError, r"preset is 3 \(expected one of ultrafast"),
        (
            {"layout": "mine"},
            ValueError,
            r"layout 'mine' does not exist \(expected one of h5h264, original, movie\)",
        ),
        ({"frame": 40}, TypeError, r"frame is 40 \(expected \(height, width\)\)"),
        ({"frame": (1, 2, 3)}, TypeError, r"frame is \(1, 2, 3\)"),
        ({"frame": (1.5, 2)}, TypeError, r"frame height is 1.5 \(expected a whole number\)"),
        ({"frame": (1, -2)}, ValueError, r"frame width is -2 \(expected 0 to 4294967295\)"),
        ({"sample_bytes": 17}, ValueError, r"sample_bytes is 17 \(expected 1 to 16\)"),
    ],
)
def test_nonsense_is_refused_at_once(arguments, error, sentence):
    with pytest.raises(error, match=sentence):
        H264(**arguments)


def test_what_does_not_fit_the_dataset_is_refused_with_the_filters_sentence(path):
    with h5py.File(path, "w") as file:
        with pytest.raises(
            ValueError, match="h5h264: frames of height 7 × width 60 × 2 bytes do not fit the chunk"
        ):
            file.create_dataset(
                "frames", (4, 40, 60), "<u2", chunks=(2, 40, 60), compression=H264(frame=(7, 60))
            )
        assert list(file) == []


def test_datasets_of_the_original_plugin(path):
    """It stored the three values that its users had passed."""
    with h5py.File(path, "w") as file:
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk((2, 40, 60))
        plist.set_filter(h5h264.FILTER_ID, h5py.h5z.FLAG_OPTIONAL, (40, 60, 2))
        space = h5py.h5s.create_simple((2, 40, 60))
        h5py.h5d.create(file.id, b"frames", h5py.h5t.STD_U16LE, space, dcpl=plist)
        assert H264.from_dataset(file["frames"]) == H264(frame=(40, 60), sample_bytes=2)


def test_parameters_of_a_later_version(path):
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("a", (2, 40, 60), "u1", chunks=(2, 40, 60), compression=H264())
        values = list(filters(dataset)[0][2])
        values[3] = 99
        with pytest.raises(ValueError, match="which this version does not know"):
            H264._from_cd_values(tuple(values))


def test_options_do_not_change():
    options = H264("fast")
    with pytest.raises(AttributeError, match="preset can't be set"):
        options.preset = "slow"
    assert copy.copy(options) == pickle.loads(pickle.dumps(options)) == options == H264("fast")


def test_what_is_no_dataset_has_no_options(path):
    with h5py.File(path, "w") as file:
        for thing in (file, 3):
            with pytest.raises(TypeError, match=r"\(expected a dataset of h5py\)"):
                H264.from_dataset(thing)


def test_a_dataset_without_the_filter_has_no_options(path):
    with h5py.File(path, "w") as file:
        plain = file.create_dataset("plain", data=np.zeros((4, 40, 60)), chunks=True, compression="gzip")
        with pytest.raises(ValueError, match="dataset /plain does not have the filter h5h264, 32010"):
            H264.from_dataset(plain)


def test_a_dataset_like_another(path):
    with h5py.File(path, "w") as file:
        first = file.create_dataset(
            "a", data=movie((4, 40, 60), "u1"), chunks=(4, 40, 60), compression=H264("faster")
        )
        second = file.create_dataset(
            "b", data=movie((9, 99), "f4"), chunks=(9, 99), compression=H264.from_dataset(first)
        )
        check_stored(second)
        assert H264.from_dataset(second).preset == "faster"
