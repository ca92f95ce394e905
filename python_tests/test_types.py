"""Any type comes back bit for bit, and is stored with the filter."""

import subprocess
from contextlib import nullcontext

import h5py
import numpy as np
import pytest

from support import (
    FILTER_ID,
    MAGIC,
    check_stored,
    chunk_bytes,
    create,
    filters,
    movie,
    noise,
    round_trip,
    same_bytes,
    stored_chunks,
)

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


def frame_records(n=12, dtype="<u2"):
    records = np.zeros(n, [("time", "f8"), ("image", dtype, (64, 80))])
    records["time"] = np.arange(n)
    records["image"] = movie((n, 64, 80), dtype)
    return records


@pytest.mark.parametrize("dtype", ["u1", "<u2", ">u2", "<i4", "f4", "f8", "c8"])
@pytest.mark.parametrize("n_leading", [0, 1])
def test_arrays_that_are_frames_are_stored_as_frames(path, dtype, n_leading):
    frames = movie((12, 64, 80), dtype)
    array = np.dtype((np.dtype(dtype), (1,) * n_leading + (64, 80)))
    with h5py.File(path, "w") as file:
        plain = check_stored(create(file, frames, chunks=(4, 64, 80), name="plain"))
        dataset = file.create_dataset("frames", (12,), array, chunks=(4,), compression=FILTER_ID)
        dataset[...] = frames.reshape(dataset[()].shape)
        file.flush()
        # The same pixels, and the same stored bytes.
        assert check_stored(dataset) == plain
        assert filters(dataset)[0][2][:2] == (64, 80)
    with h5py.File(path) as file:
        assert same_bytes(file["frames"][()].reshape(frames.shape), frames)


def test_arrays_of_spectra_and_of_colour_frames(path):
    with h5py.File(path, "w") as file:
        for name, shape in [("spectra", (300,)), ("colour", (40, 50, 3)), ("pixel", (3,)), ("nested", (2, 40, 50))]:
            values = movie((20, *shape), "<u2")
            dtype = np.dtype(("<u2", shape))
            dataset = file.create_dataset(name, (20,), dtype, chunks=(10,), compression=FILTER_ID)
            dataset[...] = values
            file.flush()
            check_stored(dataset)
            assert same_bytes(dataset[()], values)


@pytest.mark.parametrize("dtype", ["<u2", ">u2", "f4"])
def test_records_with_a_frame(path, dtype):
    records = frame_records(dtype=dtype)
    n_bytes = round_trip(path, records, chunks=(4,))
    assert n_bytes < 0.85 * records.nbytes


@pytest.mark.parametrize("n_columns", [2, 3, 5, 20, 200])
@pytest.mark.parametrize("shape, chunks", [((500,), (200,)), ((40, 30), (16, 16)), ((4, 10, 3), (2, 10, 3))])
def test_tables(path, n_columns, shape, chunks):
    kinds = ["f8", "<i8", ">u2", "u1", "S5"]
    table = np.zeros(shape, [(f"column {i}", kinds[i % len(kinds)]) for i in range(n_columns)])
    for name in table.dtype.names[1::3]:
        table[name] = np.arange(table.size).reshape(shape) % 251
    assert round_trip(path, table, chunks=chunks) < table.nbytes


@pytest.mark.parametrize("n_bytes", [17, 30, 64, 65, 100, 1000])
def test_long_strings_and_opaque_bytes(path, n_bytes):
    for dtype in f"S{n_bytes}", f"V{n_bytes}":
        elements = noise((3, 10, 4), f"V{n_bytes}").view(dtype)
        with h5py.File(path, "w") as file:
            dataset = create(file, elements)
            check_stored(dataset)
            assert dataset[()].tobytes() == elements.tobytes()


def test_complex_numbers_of_long_doubles(path):
    round_trip(path, np.ones((20, 20), "c32"))


def test_references_and_variable_length_members(path):
    """As with gzip: a chunk has what leads to the data."""
    record = np.dtype([("n", "u1"), ("text", h5py.string_dtype())])
    with h5py.File(path, "w") as file:
        file["target"] = np.arange(10)
        region = file["target"].regionref[2:5]
        for name, value, dtype in [
            ("references", file["target"].ref, h5py.ref_dtype),
            ("regions", region, h5py.regionref_dtype),
            ("records", (7, "text"), record),
        ]:
            dataset = file.create_dataset(name, (16, 16), dtype, chunks=(16, 16), compression=FILTER_ID)
            dataset[3, 4] = np.array(value, dtype) if name == "records" else value
            file.flush()
            check_stored(dataset)
    with h5py.File(path) as file:
        assert file[file["references"][3, 4]] == file["target"]
        assert file["target"][file["regions"][3, 4]].tolist() == [2, 3, 4]
        assert file["records"][3, 4].tolist() == (7, b"text")


@pytest.mark.parametrize("dtype", [h5py.string_dtype(), h5py.vlen_dtype("u1")], ids=["strings", "arrays"])
@pytest.mark.parametrize("options", [None, (0, 0, 0, 1), (4, 4, 1)], ids=["shape", "preset", "explicit"])
def test_variable_length_data(path, dtype, options):
    """HDF5 before 2.1 does not call set_local for variable-length data, but filters its chunks. Mandatory
    filters it refuses on its own."""
    one = "text" if h5py.check_string_dtype(dtype) else np.arange(5, dtype="u1")
    is_new = h5py.version.hdf5_version_tuple >= (2, 1, 0)
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset(
            "frames", (4, 4), dtype, compression=FILTER_ID, compression_opts=options
        )
        dataset[1, 2] = one
        file.flush()
        for _, mask, stored in stored_chunks(dataset):
            assert mask == 0 and stored.startswith(MAGIC)
        assert filters(dataset)[0][1] == (h5py.h5z.FLAG_MANDATORY if is_new else h5py.h5z.FLAG_OPTIONAL)
    with h5py.File(path) as file:
        read = file["frames"].asstr()[1, 2] if isinstance(one, str) else file["frames"][1, 2]
        assert np.array_equal(read, one)
        assert len(file["frames"][0, 0]) == 0

    with h5py.File(path, "w") as file:
        with nullcontext() if is_new else pytest.raises(ValueError, match="not suitable for filters"):
            low_level(file, h5py.h5t.py_create(dtype, logical=True), (4, 4), h5py.h5z.FLAG_MANDATORY)
        assert list(file) == (["frames"] if is_new else [])


def test_h5repack_of_every_type(path, tmp_path):
    """HDF5 before 2.1 refuses the filter for variable-length data if it is asked for as a mandatory one; h5repack
    copies such datasets as they are."""
    record = np.dtype([("n", "u1"), ("text", h5py.string_dtype())])
    with h5py.File(path, "w") as file:
        file["numbers"] = np.arange(5)
        arrays = {
            "frames": (movie((12, 64, 80), "<u2"), np.dtype(("<u2", (64, 80)))),
            "records": (frame_records(), None),
            "long doubles": (np.ones(100, "c32"), None),
            "members": (np.array([(i, f"text {i}") for i in range(100)], record), None),
            "references": (np.array([file["numbers"].ref] * 100, h5py.ref_dtype), h5py.ref_dtype),
            "strings": (np.array(["text"] * 100, object), h5py.string_dtype()),
        }
        for name, (values, dtype) in arrays.items():
            n = len(values)
            dataset = file.create_dataset(name, (n,), dtype or values.dtype, chunks=(n // 2,))
            dataset[...] = values
        file["scalar"] = 7
    for flag, unfiltered in [(0, {"scalar", "references", "strings"}), (1, {"scalar", "references"})]:
        packed = tmp_path / f"{flag}.h5"
        subprocess.run(["h5repack", "-f", f"UD=32010,{flag},0", path, packed], check=True)
        subprocess.run(["h5diff", path, packed], check=True)
        with h5py.File(packed) as file:
            assert {name for name, dataset in file.items() if not filters(dataset)} == unfiltered
            for name in arrays.keys() - unfiltered:
                assert all(mask == 0 for _, mask, _ in stored_chunks(file[name]))


def test_a_last_dimension_of_1_changes_nothing(path):
    frames = movie((12, 64, 80), "<u2")
    with h5py.File(path, "w") as file:
        plain = check_stored(create(file, frames, chunks=(4, 64, 80), name="plain"))
        assert check_stored(create(file, frames[..., np.newaxis], chunks=(4, 64, 80, 1))) == plain


@pytest.mark.parametrize(
    "arranged, chunks, limit",
    [
        (lambda frames: frames.reshape(4, 3, 256, 256), (2, 3, 256, 256), 1.05),
        (lambda frames: frames, (4, 16, 256), 1.15),
        (lambda frames: frames, (4, 256, 64), 1.3),
        (lambda frames: frames, (4, 64, 64), 1.35),
        (lambda frames: frames[:4].transpose(1, 2, 0), (256, 256, 4), 1.25),
        (lambda frames: frames.transpose(1, 2, 0), (256, 256, 12), 1.35),
    ],
    ids=["channels", "rows", "columns", "tiles", "four frames last", "twelve frames last"],
)
def test_what_other_chunk_shapes_cost(path, arranged, chunks, limit):
    frames = movie((12, 256, 256), "<u2") + np.random.default_rng(0).poisson(9, (12, 256, 256)).astype("<u2")
    values = np.ascontiguousarray(arranged(frames))
    with h5py.File(path, "w") as file:
        plain = check_stored(create(file, frames[: values.size >> 16], chunks=(4, 256, 256), name="plain"))
        assert check_stored(create(file, values, chunks=chunks)) < limit * plain
