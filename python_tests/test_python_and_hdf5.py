"""What "Python and HDF5" (A. Collette) does with a dataset, done with one of ours: each test keeps a
NumPy array in step, compares, and looks at the stored chunks. Appending, filters before and after
ours, direct chunk access and copies of datasets are in test_datasets.py."""

import h5py
import numpy as np
import pytest

from support import (
    FILTER_ID,
    check_stored,
    create,
    filters,
    movie,
    noise,
    same_bytes,
    start_python,
    stored_chunks,
    write,
)

SHAPE = (10, 48, 64)
CHUNKS = (4, 20, 64)


@pytest.fixture
def frames():
    return movie(SHAPE, "<u2")


@pytest.fixture
def dataset(path, frames):
    """A dataset in a file that is open for reading and writing."""
    with h5py.File(path, "w") as file:
        yield create(file, frames, chunks=CHUNKS)


def check(dataset, expected):
    """The dataset holds these values, from the chunks that are on disk."""
    dataset.file.flush()
    check_stored(dataset)
    assert same_bytes(dataset[()], expected)
    # Chunks that are still in HDF5's cache have not been through the filter.
    with h5py.File(dataset.file.filename, dataset.file.mode) as file:
        assert same_bytes(file[dataset.name][()], expected)


# Files


@pytest.mark.parametrize("mode", ["w", "w-", "x", "a"])
def test_modes_that_create(path, frames, mode):
    with h5py.File(path, mode) as file:
        create(file, frames, chunks=CHUNKS)
    with h5py.File(path) as file:
        assert file.mode == "r"
        check_stored(file["frames"])
        assert same_bytes(file["frames"][()], frames)
        with pytest.raises((OSError, RuntimeError)):
            file["frames"][0] = 1
    with pytest.raises(OSError):
        h5py.File(path, "x")


@pytest.mark.parametrize("mode", ["r+", "a"])
def test_modes_that_change_what_is_there(path, frames, mode):
    write(path, frames, chunks=CHUNKS)
    with h5py.File(path, mode) as file:
        file["frames"][3] = frames[4]
        frames[3] = frames[4]
        check(file["frames"], frames)


def test_a_file_that_is_closed_by_an_exception(path, frames):
    with pytest.raises(RuntimeError, match="in between"):
        with h5py.File(path, "w") as file:
            create(file, frames, chunks=CHUNKS)
            raise RuntimeError("in between")
    assert not file
    with h5py.File(path) as file:
        check_stored(file["frames"])
        assert same_bytes(file["frames"][()], frames)


@pytest.mark.parametrize(
    "driver, options",
    [
        ("sec2", {}),
        ("stdio", {}),
        ("core", {"backing_store": True}),
        ("core", {"backing_store": True, "block_size": 4096}),
        ("family", {"memb_size": 20_000}),
        ("split", {"meta_ext": b"-m.h5", "raw_ext": b"-r.h5"}),
    ],
)
def test_drivers(path, frames, driver, options):
    name = str(path.with_name("part%d.h5")) if driver == "family" else path
    with h5py.File(name, "w", driver=driver, **options) as file:
        assert file.driver in (driver, "unknown")  # h5py has no name for split
        create(file, frames, chunks=CHUNKS)
        file.flush()
        check_stored(file["frames"])
    n_files = len(list(path.parent.iterdir()))
    assert (n_files > 1) == (driver in ("family", "split"))
    options.pop("backing_store", None)
    with h5py.File(name, "r", driver=driver, **options) as file:
        check_stored(file["frames"])
        assert same_bytes(file["frames"][()], frames)


def test_a_file_in_memory_leaves_no_file(path, frames):
    with h5py.File(path, "w", driver="core", backing_store=False) as file:
        create(file, frames, chunks=CHUNKS)
        file.flush()
        check_stored(file["frames"])
        image = file.id.get_file_image()
    assert not path.exists()
    with h5py.File.in_memory(image) as file:
        check_stored(file["frames"])
        assert same_bytes(file["frames"][()], frames)


def test_a_file_object(path, frames):
    with open(path, "wb+") as stream, h5py.File(stream, "w") as file:
        check_stored(create(file, frames, chunks=CHUNKS))
    with open(path, "rb") as stream, h5py.File(stream, "r") as file:
        check_stored(file["frames"])
        assert same_bytes(file["frames"][()], frames)


@pytest.mark.parametrize("libver", ["earliest", "latest", ("earliest", "v108"), ("v110", "latest")])
def test_library_version_bounds(path, frames, libver):
    with h5py.File(path, "w", libver=libver) as file:
        check_stored(create(file, frames, chunks=CHUNKS))
    with h5py.File(path, "r+") as file:
        file["frames"][5] = 7
        frames[5] = 7
        check(file["frames"], frames)


def test_a_user_block(path, frames):
    with h5py.File(path, "w", userblock_size=1024) as file:
        create(file, frames, chunks=CHUNKS)
    with open(path, "rb+") as stream:
        stream.write(b"#!/bin/sh\n")
    with h5py.File(path) as file:
        assert file.userblock_size == 1024
        check_stored(file["frames"])
        assert same_bytes(file["frames"][()], frames)
    assert path.read_bytes().startswith(b"#!/bin/sh\n")


@pytest.mark.parametrize("options", [{"fs_strategy": "page", "fs_page_size": 8192}, {"page_buf_size": 16384}])
def test_paged_files(path, frames, options):
    with h5py.File(path, "w", fs_strategy="page", fs_page_size=8192) as file:
        check_stored(create(file, frames, chunks=CHUNKS))
    options = {name: value for name, value in options.items() if name == "page_buf_size"}
    with h5py.File(path, **options) as file:
        assert same_bytes(file["frames"][()], frames)


# Creating


def test_shape_and_type_alone(path, frames):
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("frames", SHAPE, "<u2", chunks=CHUNKS, compression=FILTER_ID)
        assert (dataset.shape, dataset.dtype, dataset.size, dataset.ndim) == (SHAPE, "<u2", frames.size, 3)
        assert dataset.id.get_num_chunks() == 0
        assert same_bytes(dataset[()], np.zeros_like(frames))
        dataset[...] = frames
        check(dataset, frames)


@pytest.mark.parametrize("stored", ["<f4", ">f8", "<i4", ">u2", "u1"])
def test_a_storage_type_of_its_own(path, frames, stored):
    """HDF5 converts on the way in; what does not fit is clipped."""
    with h5py.File(path, "w") as file:
        dataset = create(file, frames, chunks=CHUNKS, dtype=stored)
        assert dataset.dtype == stored
        expected = np.minimum(frames, 255).astype("u1") if stored == "u1" else frames.astype(stored)
        check(dataset, expected)


@pytest.mark.parametrize("wanted", ["<f4", "f8", ">u2", "i8"])
def test_astype_converts_when_reading(dataset, frames, wanted):
    assert same_bytes(dataset.astype(wanted)[2:7, ::3], frames[2:7, ::3].astype(wanted))
    check_stored(dataset)


def test_floats_written_to_integers(dataset, frames):
    values = np.linspace(0, 40_000, 48 * 64, dtype="f8").reshape(48, 64)
    dataset[4] = values
    frames[4] = values.astype("<u2")
    check(dataset, frames)


def test_half_precision_storage(path):
    frames = movie(SHAPE, "f4")
    with h5py.File(path, "w") as file:
        dataset = create(file, frames, chunks=CHUNKS, dtype="<f2")
        check(dataset, frames.astype("<f2"))


def test_data_is_reshaped_on_creation(path, frames):
    with h5py.File(path, "w") as file:
        dataset = create(file, frames, chunks=(5, 32, 96), shape=(10, 32, 96))
        check(dataset, frames.reshape(10, 32, 96))
        with pytest.raises(ValueError, match="(?i)shape"):
            create(file, frames, chunks=CHUNKS, shape=(7, 7), name="no")
        assert list(file) == ["frames"]


def test_require_dataset(path, frames):
    with h5py.File(path, "w") as file:
        options = {"chunks": CHUNKS, "compression": FILTER_ID}
        dataset = file.require_dataset("frames", SHAPE, "<u2", data=frames, **options)
        assert file.require_dataset("frames", SHAPE, "<u2", exact=True) == dataset
        with pytest.raises(TypeError):
            file.require_dataset("frames", (1, 2), "<u2")
        check(dataset, frames)


def test_create_dataset_like(path, frames):
    """h5py takes over shape, type and chunks, but of the filters only its own."""
    with h5py.File(path, "w") as file:
        first = create(file, frames, chunks=CHUNKS)
        second = file.create_dataset_like("second", first, compression=FILTER_ID)
        assert (second.shape, second.dtype, second.chunks) == (SHAPE, "<u2", CHUNKS)
        second[...] = frames
        check(second, frames)


@pytest.mark.parametrize("fillvalue", [None, 0, 99, 65535])
def test_fill_values_before_and_after_writing(path, frames, fillvalue):
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset(
            "frames", SHAPE, "<u2", chunks=CHUNKS, compression=FILTER_ID, fillvalue=fillvalue
        )
        expected = np.full(SHAPE, fillvalue or 0, "<u2")
        assert dataset.fillvalue == (fillvalue or 0)
        assert same_bytes(dataset[()], expected)
        dataset[3, 10:30, 20:40] = expected[3, 10:30, 20:40] = frames[3, 10:30, 20:40]
        check(dataset, expected)
        assert dataset.id.get_num_chunks() == 2


# Reading and writing parts

READ_KEYS = [
    np.s_[:],
    np.s_[...],
    np.s_[()],
    np.s_[0],
    np.s_[-10],
    np.s_[9, 47, 63],
    np.s_[-1, -1, -1],
    np.s_[2:9:3],
    np.s_[:, 5:45:7, ::2],
    np.s_[..., -1],
    np.s_[..., 3:4],
    np.s_[5, ..., 60:],
    np.s_[-3:],
    np.s_[:-7, -20:-10],
    np.s_[8:2],
    np.s_[4:1000],
    np.s_[[0, 3, 9]],
    np.s_[1:8:2, [5, 21, 40]],
    np.s_[..., [0, 63]],
    np.s_[np.array([2, 7]), 3:6],
]


@pytest.mark.parametrize("key", READ_KEYS, ids=str)
def test_slices(dataset, frames, key):
    found = dataset[key]
    assert same_bytes(np.asarray(found), np.asarray(frames[key]))
    check_stored(dataset)


@pytest.mark.parametrize("key", READ_KEYS, ids=str)
def test_assigning_to_slices(dataset, frames, key):
    values = noise(np.shape(frames[key]), "<u2")
    dataset[key] = values
    frames[key] = values
    check(dataset, frames)


@pytest.mark.parametrize(
    "key, error",
    [
        (10, IndexError),
        (-11, IndexError),
        (np.s_[0, 48], IndexError),
        (np.s_[::-1], ValueError),
        (np.s_[0, 0, 0, 0], (TypeError, ValueError)),
        (np.s_[..., 0, ...], (TypeError, ValueError)),
        (np.s_[[5, 3]], TypeError),
        (np.s_[[3, 3]], TypeError),
        (np.s_[[0, 10]], OSError),
        ("field", ValueError),
        (None, TypeError),
    ],
    ids=str,
)
def test_indices_that_h5py_refuses(path, dataset, frames, key, error):
    """With the errors that it raises for a dataset without a filter."""
    plain = dataset.file.create_dataset("plain", data=frames)
    with pytest.raises(error) as expected:
        plain[key]
    with pytest.raises(error) as found:
        dataset[key]
    assert str(found.value) == str(expected.value)
    check(dataset, frames)


def test_boolean_masks(dataset, frames):
    mask = frames > 33_000
    assert 0 < mask.sum() < mask.size
    assert same_bytes(dataset[mask], frames[mask])
    dataset[mask] = 33_000
    frames[mask] = 33_000
    check(dataset, frames)
    rows = np.zeros(48, bool)
    rows[[3, 19, 20, 47]] = True
    assert same_bytes(dataset[2, rows], frames[2, rows])
    dataset[frames == 32_999] = np.arange((frames == 32_999).sum())
    frames[frames == 32_999] = np.arange((frames == 32_999).sum())
    check(dataset, frames)
    with pytest.raises(TypeError):
        dataset[np.ones((3, 3), bool)]


def test_regions_of_points_by_the_low_level_interface(dataset, frames):
    points = np.array([(0, 0, 0), (9, 47, 63), (4, 19, 30), (4, 20, 30)], "u8")
    space = dataset.id.get_space()
    space.select_elements(points)
    found = np.empty(len(points), "<u2")
    dataset.id.read(h5py.h5s.create_simple(found.shape), space, found)
    assert same_bytes(found, frames[tuple(points.T.astype(int))])


def test_broadcasting(dataset, frames):
    for key, values in [
        (np.s_[...], 7),
        (np.s_[2:5], np.arange(64)),
        (np.s_[:, 3], np.arange(64)),
        (np.s_[5], np.arange(48)[:, np.newaxis] * np.ones(64, int)),
        (np.s_[1:9:2, 10:20, :5], np.ones((10, 5), "u1")),
    ]:
        dataset[key] = values
        frames[key] = values
        check(dataset, frames)
    with pytest.raises(TypeError, match="(?i)broadcast"):
        dataset[2:5] = np.arange(63)
    check(dataset, frames)


def test_rows_are_read_changed_and_written_back(dataset, frames):
    for t in range(len(frames)):
        for y in (0, 19, 20, 47):
            row = dataset[t, y]
            row[::2] += np.uint16(t + 1)
            dataset[t, y] = row
            frames[t, y, ::2] += np.uint16(t + 1)
    check(dataset, frames)


def test_reading_into_arrays_that_exist(dataset, frames):
    whole = np.zeros(SHAPE, "<u2")
    dataset.read_direct(whole)
    assert same_bytes(whole, frames)
    part = np.zeros((20, 64), "f8")
    dataset.read_direct(part, np.s_[3:5, 7], np.s_[10:12])
    expected = np.zeros((20, 64))
    expected[10:12] = frames[3:5, 7]
    assert same_bytes(part, expected)
    assert same_bytes(np.asarray(dataset), frames)
    check_stored(dataset)


def test_writing_from_parts_of_arrays(dataset, frames):
    source = noise((20, 48, 64), "<u2")
    dataset.write_direct(source, np.s_[4:8], np.s_[1:5])
    frames[1:5] = source[4:8]
    dataset.write_direct(source.astype("<u4"), np.s_[0, 3:5], np.s_[9, 0:2])
    frames[9, 0:2] = source[0, 3:5]
    check(dataset, frames)


def test_iterating_and_the_array_interface(dataset, frames):
    assert len(dataset) == 10
    for t, frame in enumerate(dataset):
        assert same_bytes(frame, frames[t])
    assert dataset[()].mean() == frames.mean()
    assert same_bytes(np.stack([dataset[0], dataset[9]]), frames[[0, 9]])
    for part in dataset.iter_chunks():
        assert same_bytes(dataset[part], frames[part])
    check_stored(dataset)


def test_multi_block_selections(dataset, frames):
    key = h5py.MultiBlockSlice(start=1, count=3, stride=3, block=2)
    rows = [1, 2, 4, 5, 7, 8]
    assert same_bytes(dataset[key], frames[rows])
    dataset[key] = noise((6, 48, 64), "<u2")
    frames[rows] = noise((6, 48, 64), "<u2")
    check(dataset, frames)


# Resizing


def test_growing_and_shrinking_in_every_direction(path, frames):
    with h5py.File(path, "w") as file:
        dataset = create(file, frames, chunks=CHUNKS, maxshape=(None, 100, None))
        assert dataset.maxshape == (None, 100, None)
        expected = frames
        for shape in [(13, 48, 64), (13, 100, 70), (3, 10, 5), (5, 30, 64)]:
            dataset.resize(shape)
            kept = tuple(map(slice, map(min, shape, expected.shape)))
            resized = np.zeros(shape, "<u2")
            resized[kept] = expected[kept]
            expected = resized
            check(dataset, expected)
        with pytest.raises(RuntimeError, match="exceed the existing maximal size"):
            dataset.resize(101, axis=1)
        check(dataset, expected)


def test_a_dataset_of_fixed_size_is_not_resized(dataset, frames):
    with pytest.raises(RuntimeError, match="exceed the existing maximal size"):
        dataset.resize((11, 48, 64))
    check(dataset, frames)


# Beside ours


def test_empty_and_scalar_datasets_beside_ours(dataset, frames):
    file = dataset.file
    file["empty"] = h5py.Empty("f4")
    file["number"] = 3.5
    file["text"] = "text"
    # HDF5 does not chunk what has no extent.
    for name, shape in [("scalar", ()), ("null", None)]:
        with pytest.raises(TypeError):
            file.create_dataset(name, shape, "u1", compression=FILTER_ID)
    nothing = file.create_dataset(
        "nothing", (0, 48, 64), "<u2", maxshape=(None, 48, 64), chunks=CHUNKS, compression=FILTER_ID
    )
    assert nothing[()].shape == (0, 48, 64) and nothing.id.get_num_chunks() == 0
    assert file["empty"][()] == h5py.Empty("f4")
    assert (file["number"][()], file["text"].asstr()[()]) == (3.5, "text")
    check(dataset, frames)


def test_attributes(path, dataset, frames):
    attributes = {
        "unit": "counts",
        "exposure": 0.25,
        "roi": np.array([1, 2, 3]),
        "dark": frames[0],
        "nothing": h5py.Empty("f4"),
    }
    for name, value in attributes.items():
        dataset.attrs[name] = value
    dataset.attrs.modify("exposure", 0.5)
    del dataset.attrs["roi"]
    with h5py.File(path, "r+") as file:
        found = file["frames"].attrs
        assert sorted(found) == ["dark", "exposure", "nothing", "unit"]
        assert (found["unit"], found["exposure"]) == ("counts", 0.5)
        assert same_bytes(found["dark"], frames[0])
    check(dataset, frames)


def test_groups_and_links(path, tmp_path, dataset, frames):
    file = dataset.file
    stored = sorted(stored_chunks(dataset))
    file["a/b/hard"] = dataset
    file["soft"] = h5py.SoftLink("/a/b/hard")
    file.move("frames", "a/moved")
    file.flush()
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["external"] = h5py.ExternalLink(path, "/a/moved")
    file.close()
    with h5py.File(tmp_path / "other.h5") as other:
        assert sorted(stored_chunks(other["external"])) == stored
        assert same_bytes(other["external"][()], frames)
    with h5py.File(path, "a") as file:
        assert file["a/b/hard"] == file["soft"] == file["a/moved"]
        del file["a/b/hard"]
        assert same_bytes(file["a/moved"][()], frames)
        assert file.get("soft") is None and isinstance(file.get("soft", getlink=True), h5py.SoftLink)
        check_stored(file["a/moved"])


def test_references_to_datasets_and_regions(dataset, frames):
    file = dataset.file
    file.attrs["whole"] = dataset.ref
    file["regions"] = np.array(
        [dataset.regionref[2:5, 10:30], dataset.regionref[frames > 33_000]], h5py.regionref_dtype
    )
    assert same_bytes(file[file.attrs["whole"]][()], frames)
    first, second = file["regions"][()]
    assert same_bytes(dataset[first].reshape(3, 20, 64), frames[2:5, 10:30])
    assert same_bytes(dataset[second], frames[frames > 33_000])
    check(dataset, frames)


def test_virtual_datasets_over_chunks_of_several_files(tmp_path, frames):
    layout = h5py.VirtualLayout((3, *SHAPE), "<u2")
    for i in (0, 2):
        write(tmp_path / f"{i}.h5", frames + i, chunks=CHUNKS)
        layout[i] = h5py.VirtualSource(tmp_path / f"{i}.h5", "frames", SHAPE)
    expected = np.stack([frames, np.full_like(frames, 9), frames + 2])
    with h5py.File(tmp_path / "virtual.h5", "w") as file:
        virtual = file.create_virtual_dataset("frames", layout, fillvalue=9)
        assert virtual.is_virtual and filters(virtual) == []
        assert same_bytes(virtual[:, 2:9:3, ::5], expected[:, 2:9:3, ::5])
        assert same_bytes(virtual[()], expected)


def test_writing_through_a_virtual_dataset(tmp_path, frames):
    layout = h5py.VirtualLayout((20, 48, 64), "<u2")
    for i in range(2):
        write(tmp_path / f"{i}.h5", frames, chunks=CHUNKS)
        layout[10 * i : 10 * i + 10] = h5py.VirtualSource(tmp_path / f"{i}.h5", "frames", SHAPE)
    with h5py.File(tmp_path / "virtual.h5", "w") as file:
        file.create_virtual_dataset("frames", layout)[8:12, 3] = np.full((4, 64), 11, "<u2")
    for i, changed in [(0, slice(8, None)), (1, slice(2))]:
        expected = frames.copy()
        expected[changed, 3] = 11
        with h5py.File(tmp_path / f"{i}.h5") as file:
            check_stored(file["frames"])
            assert same_bytes(file["frames"][()], expected)


def test_copying_chunks_that_are_in_the_cache(path, tmp_path):
    """HDF5 encodes them again, one after the other in the same buffer."""
    frames = movie((7, 128, 128), "<u2")
    with h5py.File(path, "w") as file, h5py.File(tmp_path / "copy.h5", "w") as other:
        written = create(file, frames, chunks=(3, 128, 128))
        file.flush()
        file.copy(written, other)
        check_stored(other["frames"])
        assert same_bytes(other["frames"][()], frames)
        assert list(stored_chunks(other["frames"])) == list(stored_chunks(written))


def test_copying_groups_between_files(path, tmp_path, dataset, frames):
    group = dataset.file.create_group("group")
    group["linked"] = dataset
    group["soft"] = h5py.SoftLink("/frames")
    dataset.attrs["unit"] = "counts"
    with h5py.File(tmp_path / "copy.h5", "w") as other:
        dataset.file.copy("group", other)
        dataset.file.copy("group", other, "expanded", expand_soft=True, without_attrs=True)
        for name in ("group/linked", "expanded/soft"):
            assert filters(other[name]) == filters(dataset)
            assert sorted(stored_chunks(other[name])) == sorted(stored_chunks(dataset))
            check(other[name], frames)
        assert dict(other["group/linked"].attrs) == {"unit": "counts"}
        assert dict(other["expanded/soft"].attrs) == {}


def test_dimension_scales(path, dataset, frames):
    file = dataset.file
    for i, (name, unit) in enumerate([("t", "s"), ("y", "mm"), ("x", "mm")]):
        file[name] = np.linspace(0, 1, SHAPE[i])
        file[name].make_scale(unit)
        dataset.dims[i].label = name
        dataset.dims[i].attach_scale(file[name])
    with h5py.File(path, "r+") as file:
        found = file["frames"].dims
        assert [dimension.label for dimension in found] == ["t", "y", "x"]
        assert same_bytes(found[2]["mm"][()], np.linspace(0, 1, 64))
        t = np.searchsorted(found[0][0][()], 0.5)
        assert same_bytes(file["frames"][t], frames[t])
        found[1].detach_scale(file["y"])
    check(dataset, frames)


def test_a_scale_that_is_filtered_itself(path):
    times = np.cumsum(np.random.default_rng(0).poisson(100, 5000)).astype("<i8")
    with h5py.File(path, "w") as file:
        scale = create(file, times, name="t")
        scale.make_scale("t")
        dataset = create(file, noise((5000, 4), "u1"))
        dataset.dims[0].attach_scale(scale)
        assert same_bytes(dataset.dims[0]["t"][()], times)
        check(scale, times)


# Concurrency


def test_a_reader_follows_a_writer_that_overwrites_and_appends(path, frames):
    """SWMR as in the book: the reader polls, and sees whole frames only."""
    script = """
        import sys, time, h5py
        import numpy as np
        from support import movie, same_bytes
        frames = movie((10, 48, 64), "<u2")
        with h5py.File(sys.argv[1], "r", libver="latest", swmr=True) as file:
            dataset = file["frames"]
            print("open", flush=True)
            lengths = []
            while len(dataset) < 20:
                time.sleep(0.01)
                dataset.refresh()
                n = len(dataset)
                found = dataset[:n]
                for t in range(n):
                    assert same_bytes(found[t], frames[t % 10]) or (found[t] == 0).all(), t
                lengths.append(n)
            dataset.refresh()
            assert same_bytes(dataset[()], np.concatenate([frames, frames]))
            print(len(lengths))
    """
    with h5py.File(path, "w", libver="latest") as file:
        dataset = file.create_dataset(
            "frames", (0, 48, 64), "<u2", chunks=(4, 48, 64), maxshape=(None, 48, 64), compression=FILTER_ID
        )
        file.swmr_mode = True
        reader = start_python(script, path)
        assert reader.stdout.readline() == "open\n"
        for t in range(19):
            dataset.resize(t + 1, axis=0)
            dataset[t] = frames[t % 10]
            dataset.flush()
        # The last one makes the reader end, so it is there at once.
        file["frames"].resize(20, axis=0)
        dataset[19] = frames[9]
        dataset.flush()
        output, errors = reader.communicate(timeout=60)
        assert errors == "" and int(output) > 0
        check_stored(dataset)
