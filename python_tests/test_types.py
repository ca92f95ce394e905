"""Any numeric type comes back bit for bit; what can't be packed is refused at creation."""

import h5py
import numpy as np
import pytest

from support import FILTER_ID, check_stored, chunk_bytes, create, movie, noise, round_trip, same_bytes

INTEGERS = ["i1", "u1"] + [order + kind for kind in ("i2", "u2", "i4", "u4", "i8", "u8") for order in "<>"]
FLOATS = [order + kind for kind in ("f2", "f4", "f8") for order in "<>"]
COMPLEX = [order + kind for kind in ("c8", "c16") for order in "<>"]
SHAPE = (6, 33, 45)


@pytest.mark.parametrize("dtype", INTEGERS + FLOATS + COMPLEX + ["?"])
def test_a_movie_gets_smaller(path, dtype):
    frames = movie(SHAPE, dtype)
    assert round_trip(path, frames) < frames.nbytes


@pytest.mark.parametrize("dtype", INTEGERS + FLOATS + COMPLEX)
def test_random_bits(path, dtype):
    round_trip(path, noise(SHAPE, dtype))


@pytest.mark.parametrize("dtype", INTEGERS)
def test_the_whole_range_of_integers(path, dtype):
    limits = np.iinfo(dtype)
    values = [limits.min, limits.min + 1, 0, 1, limits.max // 2, limits.max - 1, limits.max]
    frames = np.resize(np.array(values, dtype), SHAPE)
    frames[2:] = movie(SHAPE, dtype)[2:]
    round_trip(path, frames)


def special_floats(dtype):
    """Zeros, infinities, the smallest and largest numbers, NaNs with payloads, quiet and
    signalling, of both signs."""
    dtype = np.dtype(dtype)
    bits = dtype.itemsize * 8
    n_mantissa_bits = np.finfo(dtype).nmant
    infinity = (1 << bits - 1) - (1 << n_mantissa_bits)
    magnitudes = [0, 1, 2, (1 << n_mantissa_bits) - 1, 1 << n_mantissa_bits, infinity - 1, infinity]
    magnitudes += [infinity + payload for payload in (1, 0x155, (1 << n_mantissa_bits) - 1)]
    patterns = magnitudes + [m | 1 << bits - 1 for m in magnitudes]
    unsigned = np.dtype(f"{dtype.byteorder}u{dtype.itemsize}")
    return np.array(patterns, unsigned).view(dtype)


@pytest.mark.parametrize("dtype", FLOATS)
def test_special_floats(path, dtype):
    round_trip(path, np.resize(special_floats(dtype), SHAPE))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("share", [0.001, 0.3])
def test_special_floats_within_a_movie(path, dtype, share):
    frames = movie(SHAPE, dtype)
    special = special_floats(dtype)
    random = np.random.default_rng(1)
    chosen = random.random(SHAPE) < share
    frames[chosen] = random.choice(special, chosen.sum())
    round_trip(path, frames)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("step, offset", [(1, 0), (2, -700), (0.25, 3)])
def test_floats_that_hold_numbers_of_a_grid(path, dtype, step, offset):
    frames = (np.rint(movie(SHAPE, "f8") * 100) * step + offset).astype(dtype)
    assert round_trip(path, frames + 0.0) < frames.nbytes
    frames[3, 4, 5] = -0.0
    round_trip(path, frames)


@pytest.mark.parametrize("dtype", ["u1", "<u2", ">i4", "f4", "c8", "i8"])
@pytest.mark.parametrize("n_components", [3, 4])
def test_interleaved_colour(path, dtype, n_components):
    planes = [movie((4, 40, 50), dtype, seed) for seed in range(n_components)]
    frames = np.stack(planes, axis=-1)
    assert round_trip(path, frames) < frames.nbytes


def test_boolean_masks(path):
    mask = movie((20, 64, 64), "f4") > 0.3
    assert round_trip(path, mask) < mask.nbytes / 8


@pytest.mark.parametrize("base", ["u1", "<i2", ">u4"])
def test_enums(path, base):
    dtype = h5py.enum_dtype({"background": 0, "cell": 1, "border": 77}, basetype=base)
    labels = (movie(SHAPE, "f4") > 0).astype(base).astype(dtype)
    assert round_trip(path, labels) < labels.nbytes
    with h5py.File(path) as file:
        assert h5py.check_enum_dtype(file["frames"].dtype) == {"background": 0, "cell": 1, "border": 77}


@pytest.mark.parametrize("n_bytes", range(1, 17))
def test_fixed_size_strings_and_opaque_bytes(path, n_bytes):
    for name, dtype in [("strings", f"S{n_bytes}"), ("opaque", f"V{n_bytes}")]:
        elements = noise((3, 10, 21), f"V{n_bytes}").view(dtype)
        with h5py.File(path, "w") as file:
            dataset = create(file, elements, name=name)
            check_stored(dataset)
            # NumPy takes trailing NULs off the strings it shows, so the memory is compared.
            assert dataset[()].tobytes() == elements.tobytes()


@pytest.mark.parametrize(
    "dtype",
    [
        [("r", "u1"), ("g", "u1"), ("b", "u1")],
        [("x", "<f4"), ("y", "<f4"), ("z", "<f4")],
        [("gain", "u1"), ("adu", "<u2")],
        [("time", "<u8"), ("count", ">i4"), ("flags", "u1", (3,))],
        np.dtype([("a", "u1"), ("b", "<f8")], align=True),
        [("nested", [("re", "f4"), ("im", "f4")]), ("weight", "f8")],
    ],
    ids=["rgb", "vector", "packed", "mixed", "padded", "nested"],
)
def test_small_compounds(path, dtype):
    dtype = np.dtype(dtype)
    records = np.zeros((4, 20, 30), dtype)
    for i, name in enumerate(dtype.names):
        if dtype[name].names is None and dtype[name].subdtype is None:
            records[name] = movie(records.shape, dtype[name], i)
    records.flat[-1] = noise((1,), f"V{dtype.itemsize}").view(dtype)[0]
    if dtype.itemsize == sum(dtype[name].itemsize for name in dtype.names):
        round_trip(path, records)
        return
    # The padding between members has no value of its own: members are compared.
    with h5py.File(path, "w") as file:
        dataset = create(file, records)
        check_stored(dataset)
        for name in dtype.names:
            assert same_bytes(dataset[name], records[name])


def test_arrays_as_elements(path):
    dtype = np.dtype(("<u2", (2, 3)))
    values = movie((5, 20, 20, 2, 3), "<u2")
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("frames", (5, 20, 20), dtype, chunks=(5, 20, 20), compression=FILTER_ID)
        dataset[...] = values
        assert check_stored(dataset) < chunk_bytes(dataset)
        assert same_bytes(dataset[()], values)


def test_long_doubles(path):
    values = movie((3, 20, 20), "f8").astype(np.longdouble) / 3
    with h5py.File(path, "w") as file:
        dataset = create(file, values)
        check_stored(dataset)
        assert np.array_equal(dataset[()], values)


def test_dates(path):
    dates = (movie((3, 20, 20), "i8") + 1_700_000_000_000).astype("datetime64[ms]")
    round_trip(path, dates.astype(h5py.opaque_dtype(dates.dtype)))


def low_level(file, datatype, shape, flags=h5py.h5z.FLAG_OPTIONAL):
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_chunk(shape)
    plist.set_filter(FILTER_ID, flags)
    space = h5py.h5s.create_simple(shape)
    return h5py.Dataset(h5py.h5d.create(file.id, b"frames", datatype, space, dcpl=plist))


def test_integers_of_odd_sizes(path):
    for n_bytes in (3, 5, 6, 7):
        datatype = h5py.h5t.STD_I64LE.copy()
        datatype.set_size(n_bytes)
        datatype.set_precision(8 * n_bytes)
        values = movie((4, 20, 20), "i8") * 8
        with h5py.File(path, "w") as file:
            dataset = low_level(file, datatype, values.shape)
            dataset.id.write(h5py.h5s.ALL, h5py.h5s.ALL, values)
            check_stored(dataset)
            read = np.empty_like(values)
            dataset.id.read(h5py.h5s.ALL, h5py.h5s.ALL, read)
            assert same_bytes(read, values)


@pytest.mark.parametrize("order", ["LE", "BE"])
@pytest.mark.parametrize("bits", [32, 64])
def test_native_complex_numbers(path, order, bits):
    datatype = getattr(h5py.h5t, f"COMPLEX_IEEE_F{bits}{order}", None)
    if datatype is None:
        pytest.skip("this HDF5 has no complex datatype")
    values = movie((4, 20, 20), f"{'<' if order == 'LE' else '>'}c{bits // 4}")
    with h5py.File(path, "w") as file:
        dataset = low_level(file, datatype, values.shape)
        # HDF5 2.0 can't convert the byte order of these, so the memory has that of the file.
        dataset.id.write(h5py.h5s.ALL, h5py.h5s.ALL, values, datatype)
        assert check_stored(dataset) < values.nbytes
        read = np.empty_like(values)
        dataset.id.read(h5py.h5s.ALL, h5py.h5s.ALL, read, datatype)
        assert same_bytes(read, values)


@pytest.mark.parametrize(
    "dtype, reason",
    [
        (h5py.ref_dtype, "references"),
        (h5py.regionref_dtype, "references"),
        (np.dtype([("n", "u1"), ("text", h5py.string_dtype())]), "variable-length data"),
        (np.dtype((h5py.vlen_dtype("u1"), (1,))), "variable-length data"),
        (np.dtype((h5py.ref_dtype, (2,))), "references"),
        (np.dtype("S17"), "elements of 17 bytes (expected at most 16)"),
        (np.dtype("V100"), "elements of 100 bytes (expected at most 16)"),
        (np.dtype([("a", "f8"), ("b", "f8"), ("c", "u1")]), "elements of 17 bytes (expected at most 16)"),
        (np.dtype("c32"), "elements of 32 bytes (expected at most 16)"),
    ],
    ids=str,
)
@pytest.mark.parametrize("options", [None, (16, 16, 1)], ids=["shape", "explicit"])
def test_what_cannot_be_packed_is_refused_and_leaves_nothing_behind(path, dtype, reason, options):
    with h5py.File(path, "w") as file:
        file["other"] = 1
        with pytest.raises((TypeError, ValueError)) as caught:
            file.create_dataset("frames", (16, 16), dtype, compression=FILTER_ID, compression_opts=options)
        assert "h5h264: unsupported datatype: " in str(caught.value)
        assert reason in str(caught.value)
        assert list(file) == ["other"]
    with h5py.File(path) as file:
        assert list(file) == ["other"]


@pytest.mark.parametrize("dtype", [h5py.string_dtype(), h5py.vlen_dtype("u1")], ids=["strings", "arrays"])
@pytest.mark.parametrize("options", [None, (4, 4, 1)], ids=["shape", "explicit"])
def test_variable_length_data_survives(path, dtype, options):
    """HDF5 does not ask optional filters, as h5py registers them, whether they can pack
    variable-length data. Mandatory ones it refuses on its own."""
    one = "text" if h5py.check_string_dtype(dtype) else np.arange(5, dtype="u1")
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset(
            "frames", (4, 4), dtype, compression=FILTER_ID, compression_opts=options
        )
        dataset[1, 2] = one
    with h5py.File(path) as file:
        read = file["frames"].asstr()[1, 2] if isinstance(one, str) else file["frames"][1, 2]
        assert np.array_equal(read, one)
        assert len(file["frames"][0, 0]) == 0

    with h5py.File(path, "w") as file:
        with pytest.raises(ValueError):
            low_level(file, h5py.h5t.py_create(dtype, logical=True), (4, 4), h5py.h5z.FLAG_MANDATORY)
        assert list(file) == []
