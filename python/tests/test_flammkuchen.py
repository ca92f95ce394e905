"""`load` gives what flammkuchen and deepdish have saved; tests/data has files that they have written."""

import zipfile
from pathlib import Path
from types import SimpleNamespace

import h5h264
import numpy as np
import pytest

DATA = Path(__file__).parent / "data" / "flammkuchen_and_deepdish.zip"
LIBRARIES = ["flammkuchen", "deepdish"]
FRAMES = np.arange(4 * 16 * 16, dtype="u2").reshape(4, 16, 16)
# Of data/make_flammkuchen.py.
EXPECTED = {
    "frames": FRAMES,
    "float": np.float64(2.5),
    "int": np.int64(-3),
    "bool": np.bool_(True),
    "complex": np.complex128(1 + 2j),
    "float32": np.float32(0.5),
    "zero_dimensions": np.int16(7),
    "text": "größer",
    "no_text": "",
    "bytes": b"a\xff",
    "none": None,
    "bools": np.array([True, False, True]),
    "complexes": np.array([1j, 2]),
    "empty": np.zeros((0, 3), "f4"),
    "texts": np.array(["one", "zwölf", ""]),
    "ascii": np.array([b"one", b"two"]),
    "list": [np.int64(1), "two", np.arange(3), [np.float64(4.0), None]],
    "tuple": (np.int64(1), {"a": np.int64(2)}),
    "nothing": [],
    "nested": {"deeper": {"deepest": np.eye(3, dtype="f4")}},
    "first": np.arange(6.0),
    "second": np.arange(6.0),
    "namespace": SimpleNamespace(a=np.int64(1), b=np.arange(2)),
}
SPARSE = {"csr", "csc", "coo", "dia"}


@pytest.fixture(autouse=True)
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    zipfile.ZipFile(DATA).extractall()


def assert_same(found, expected):
    assert type(found) is type(expected)
    if isinstance(expected, SimpleNamespace):
        assert_same(vars(found), vars(expected))
    elif isinstance(expected, dict):
        assert set(found) == set(expected)
        for key in expected:
            assert_same(found[key], expected[key])
    elif isinstance(expected, (list, tuple)):
        assert len(found) == len(expected)
        for one, other in zip(found, expected):
            assert_same(one, other)
    elif isinstance(expected, np.ndarray):
        assert found.dtype == expected.dtype and found.shape == expected.shape
        assert np.array_equal(found, expected)
    else:
        assert found == expected


@pytest.mark.parametrize("library", LIBRARIES)
def test_everything_comes_back(library):
    found = h5h264.load(f"{library}.h5")
    matrices = {name: found.pop(name) for name in SPARSE}
    assert_same(found, EXPECTED)
    for format, matrix in matrices.items():
        assert matrix.format == format and matrix.shape == (5, 7) and matrix.nnz > 0
    # The same random numbers.
    assert (matrices["csr"] != matrices["coo"].tocsr()).nnz == 0


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_value_that_is_no_dict(library):
    assert_same(h5h264.load(f"{library}_array.h5"), np.arange(5))
    assert_same(h5h264.load(f"{library}_number.h5"), np.int64(5))


def test_one_value():
    for name in EXPECTED:
        assert_same(h5h264.load("flammkuchen.h5", name), EXPECTED[name])
    assert_same(h5h264.load("flammkuchen.h5", "/nested/deeper"), EXPECTED["nested"]["deeper"])
    assert_same(h5h264.load("flammkuchen.h5", "list/i2"), np.arange(3))
    assert_same(h5h264.load("flammkuchen.h5", "tuple/i1/a"), np.int64(2))


def test_a_part_of_an_array():
    assert_same(h5h264.load("flammkuchen.h5", "frames", np.s_[1:3, ::4]), FRAMES[1:3, ::4])
    assert_same(h5h264.load("flammkuchen.h5", "texts", 1), np.str_("zwölf"))
    assert_same(h5h264.load("flammkuchen.h5", "bools", np.s_[:2]), np.array([True, False]))


@pytest.mark.parametrize(
    "arguments, error, sentence",
    [
        (("flammkuchen.h5", "nowhere"), KeyError, "'nowhere' is not in flammkuchen.h5"),
        (("flammkuchen.h5", "nested/nowhere"), KeyError, "nested/nowhere"),
        (("flammkuchen.h5", "int", 0), ValueError, "'int' is not an array"),
        (("flammkuchen.h5", "nested", 0), ValueError, "'nested' is not an array"),
        (("flammkuchen.h5", None, 0), ValueError, "a selection without a name"),
        (("flammkuchen_refused.h5",), ValueError, "pickle"),
        (("flammkuchen_refused.h5", "pickled"), ValueError, "/pickled is pickled"),
        (("flammkuchen_refused.h5", "large"), ValueError, "'large' is pickled"),
        (("deepdish_refused.h5", "table"), ValueError, "/table was saved by pandas"),
    ],
)
def test_what_is_not_loaded(arguments, error, sentence):
    with pytest.raises(error, match=sentence):
        h5h264.load(*arguments)
    assert_same(h5h264.load("flammkuchen_refused.h5", "fine"), np.arange(3))
