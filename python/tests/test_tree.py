"""`save` and `load`: a nested dict in one file, and back."""

import os
import stat

import h5h264
import h5py
import numpy as np
import pytest
import xarray

from support import check_stored, movie, same_bytes


LOOP = {}
LOOP["again"] = [LOOP]


@pytest.fixture
def tree():
    frames = movie((12, 40, 60), "<u2")
    return {
        "frames": frames,
        "nested": {"mask": frames > 33_000, "deeper": {"rgb": movie((5, 30, 40, 3), "u1"), "empty": {}}},
        "big-endian": frames.astype(">i4"),
        "complex": movie((3, 20, 30), "c8"),
        "small": np.arange(6).reshape(2, 3),
        "spectrum": np.linspace(0, 1, 5000),
        "no frames": np.zeros((0, 40, 60)),
        "int": -7,
        "large int": 2**64 - 1,
        "float": 0.1,
        "complex number": 1 - 2j,
        "bool": True,
        "text": "Röntgen\nµ",
        "empty text": "",
        "bytes": b"\0binary\0",
        "no bytes": b"",
        "none": None,
        "NumPy number": np.float32(0.1),
        "NumPy bool": np.bool_(False),
        "array without dimensions": np.array(5, "u1"),
        "NumPy text": np.str_("abc"),
        "empty NumPy text": np.str_(""),
        "text array without dimensions": np.array("abc"),
        "time": np.datetime64("2020-01-01"),
        "time array without dimensions": np.array("2020-01-01", "M8[D]"),
        "texts": np.array([["a", "längere"], ["", "x"]]),
        "byte texts": np.array([b"ab", b"c"]),
        "times": np.array(["2020-01-01T00:00", "NaT"], "M8[s]"),
        "durations": np.timedelta64(5, "ms"),
        "list": [1, "two", None, frames[0], {"a": [()]}],
        "numbers": [1, -2, 2**62],
        "large numbers": (2**64 - 1, 0),
        "numbers of all sizes": [2**64 - 1, -1],
        "floats": [0.1, float("inf")],
        "truths": (True, False),
        "complex numbers": [1j],
        "words": ["", "Röntgen"],
        "mixed": [1, 2.0, True],
        "records": np.array([(1, 2.5)], [("n", "<i4"), ("x", "<f8")]),
    }


def assert_same(found, expected):
    assert type(found) is type(expected)
    if isinstance(expected, dict):
        assert list(found) == list(expected)
        for key in expected:
            assert_same(found[key], expected[key])
    elif isinstance(expected, (list, tuple)):
        assert len(found) == len(expected)
        for pair in zip(found, expected):
            assert_same(*pair)
    elif isinstance(expected, (np.ndarray, np.generic)):
        assert found.dtype == expected.dtype and same_bytes(np.asarray(found), np.asarray(expected))
    else:
        assert found == expected


def test_what_is_saved_is_loaded(path, tree):
    h5h264.save(path, tree)
    assert_same(h5h264.load(path), tree)


def test_one_value_and_a_part_of_an_array_are_loaded(path):
    frames = np.arange(10 * 32 * 32, dtype="u2").reshape(10, 32, 32)
    days = np.array(["2026-01-01", "2026-01-02"], "M8[D]")
    tree = {"a": {"frames": frames, "n": 3, "list": [{"x": 1}, "two"]}, "texts": np.array(["one", "two"]), "days": days}
    h5h264.save(path, tree)
    assert_same(h5h264.load(path, "a"), tree["a"])
    assert_same(h5h264.load(path, "a/list/0"), {"x": 1})
    assert_same(h5h264.load(path, "/a/n"), 3)
    assert_same(h5h264.load(path, "a/frames", np.s_[2:4, ::3]), frames[2:4, ::3])
    assert_same(h5h264.load(path, "texts", np.s_[1:]), tree["texts"][1:])
    assert_same(h5h264.load(path, "texts", 0), np.str_("one"))
    assert_same(h5h264.load(path, "days", 1), days[1])
    for name in "a", "a/n", "a/list", "a/list/1":
        with pytest.raises(ValueError, match=f"'{name}' is not an array"):
            h5h264.load(path, name, 0)
    with pytest.raises(KeyError, match="'a/nowhere' is not in"):
        h5h264.load(path, "a/nowhere")
    with pytest.raises(ValueError, match="a selection without a name"):
        h5h264.load(path, selection=0)


def test_arrays_that_look_like_images_go_through_the_filter(path, tree):
    h5h264.save(path, tree, preset="superfast")
    filtered = []
    with h5py.File(path) as file:

        def visit(name, found):
            if isinstance(found, h5py.Dataset) and found.chunks:
                check_stored(found)
                assert h5h264.info(found).preset == "superfast"
                filtered.append(name)

        file.visititems(visit)
        # Of use to every HDF5 program.
        assert same_bytes(file["nested/deeper/rgb"][()], tree["nested"]["deeper"]["rgb"])
        assert file["text"].asstr()[()] == tree["text"]
        assert file["int"][()] == -7
    images = ["frames", "nested/mask", "nested/deeper/rgb", "big-endian", "complex", "list/3"]
    assert sorted(filtered) == sorted(images)


@pytest.mark.parametrize(
    "tree, error, sentence",
    [
        ([1], TypeError, r"the tree is a list \(expected a dict\)"),
        ({"a": {"b": {1, 2}}}, TypeError, r"/a: 'b': set can't be saved"),
        ({"a": [1, object()]}, TypeError, r"/a: '1': object can't be saved"),
        ({"a": {5: 1}}, TypeError, r"key 5 in /a is a int \(expected a string\)"),
        ({"a/b": 1}, ValueError, r"key 'a/b' in / can't be a name in HDF5"),
        ({"": 1}, ValueError, "key '' in / can't be a name"),
        (
            {"a": 2**64},
            ValueError,
            r"/: 'a': 18446744073709551616 can't be saved \(expected an integer of 64 bits\)",
        ),
        ({"a": np.array([None, "x"])}, TypeError, "/: 'a': "),
        ({"a": np.ma.array([1, 2], mask=[0, 1])}, TypeError, "'a': MaskedArray is more than an array"),
        ({"a": np.zeros(2, [("x", "u1")]).view(np.recarray)}, TypeError, "'a': recarray is more than"),
        ({"a": xarray.DataArray([1.0, 2.0])}, TypeError, "'a': DataArray is more than an array"),
        ({"a": [1, LOOP]}, ValueError, "/a/1/again: '0': it contains itself"),
    ],
)
def test_what_cant_be_saved_is_named_and_the_old_file_stays(path, tree, error, sentence):
    h5h264.save(path, {"old": 1})
    with pytest.raises(error, match=sentence):
        h5h264.save(path, tree)
    assert h5h264.load(path) == {"old": 1}
    assert os.listdir(path.parent) == [path.name]


def test_a_file_that_is_replaced_keeps_its_mode(path):
    h5h264.save(path, {})
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask
    path.chmod(0o640)
    h5h264.save(str(path), {"a": 1})
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_other_files_are_loaded_too(path):
    frames = movie((4, 30, 40), "u1")
    with h5py.File(path, "w") as file:
        file.create_dataset("group/frames", data=frames, compression="gzip")
        file["group/text"] = "text"
        file["empty"] = h5py.Empty("f4")
        file["group"].attrs["unit"] = "counts"
    tree = h5h264.load(path)
    assert same_bytes(tree["group"]["frames"], frames)
    assert tree["group"]["text"] == "text"
    assert tree["empty"] == h5py.Empty("f4")


def test_a_list_of_numbers_is_one_dataset(path):
    h5h264.save(path, {"numbers": list(range(1000)), "words": ("a", "b")})
    with h5py.File(path) as file:
        assert file["numbers"].shape == (1000,) and file["words"].asstr()[()].tolist() == ["a", "b"]


def test_a_link_stays_a_link(path, tmp_path):
    h5h264.save(path, {"old": 1})
    link = tmp_path / "link.h5"
    link.symlink_to(path)
    h5h264.save(link, {"new": 2})
    assert link.is_symlink() and h5h264.load(path) == {"new": 2}


def test_files_that_are_no_trees(path):
    with h5py.File(path, "w") as file:
        file["group/self"] = h5py.SoftLink("/group")
        file["nowhere"] = h5py.SoftLink("/missing")
    with pytest.raises(ValueError, match="/group/self contains itself"):
        h5h264.load(path)
    with h5py.File(path, "r+") as file:
        del file["group"]
    with pytest.raises(ValueError, match="/: 'nowhere' is a link that leads nowhere"):
        h5h264.load(path)


def test_errors_of_files(tmp_path):
    with pytest.raises(OSError):
        h5h264.load(tmp_path / "missing.h5")
    with pytest.raises(FileNotFoundError, match="missing/file.h5"):
        h5h264.save(tmp_path / "missing" / "file.h5", {})
