"""What people do with datasets: append, overwrite, copy, combine filters, pass stored chunks on.
Every way to read and write a part is in test_python_and_hdf5.py."""

import zlib

import h5py
import numpy as np
import pytest

from support import (
    FILTER_ID,
    MAGIC,
    check_stored,
    create,
    filters,
    movie,
    noise,
    run_python,
    same_bytes,
    start_python,
    stored_chunks,
)

SHAPE = (10, 48, 64)
CHUNKS = (4, 48, 64)


@pytest.fixture
def frames():
    return movie(SHAPE, "<u2")


def test_appending_frame_by_frame(path, frames):
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset(
            "frames", (0, 48, 64), "<u2", chunks=CHUNKS, maxshape=(None, 48, 64), compression=FILTER_ID
        )
    for t, frame in enumerate(frames):
        with h5py.File(path, "a") as file:
            dataset = file["frames"]
            dataset.resize(t + 1, axis=0)
            dataset[t] = frame
    with h5py.File(path) as file:
        check_stored(file["frames"])
        assert same_bytes(file["frames"][()], frames)


REFUSED = "required filter 32010 is not registered"
# A process that writes to datasets that exist, and prints what HDF5 says.
APPEND = """
    import sys, h5py
    from support import movie
    with h5py.File(sys.argv[1], "a") as file:
        {first}
        for name in "small", "large":
            frames = movie(file[name].shape, "<u2")
            try:
                file[name][...] = frames
                file[name].flush()
            except OSError as error:
                print(error)
"""
# Of chunks that HDF5 caches, and of chunks that it does not.
APPENDED = {"small": (SHAPE, CHUNKS), "large": ((4, 1000, 1000), (2, 1000, 1000))}


def create_empty(path, **kwargs):
    with h5py.File(path, "w") as file:
        for name, (shape, chunks) in APPENDED.items():
            file.create_dataset(name, shape, "<u2", chunks=chunks, compression=FILTER_ID, **kwargs)


@pytest.mark.parametrize("fill_time", ["alloc", "ifset", "never"])
def test_a_writer_without_the_filter_is_refused_before_anything_is_written(path, fill_time):
    """HDF5 loads a plugin when a dataset is created or read, or when it is asked to, not when one that
    exists is written; and it stores chunks without an optional filter that it does not have."""
    create_empty(path, fill_time=fill_time)
    for first in "pass", "h5py.h5pl.remove(0)":
        output = run_python(APPEND.format(first=first), path)
        assert output.count(REFUSED) == 2
        with h5py.File(path) as file:
            assert [file[name].id.get_num_chunks() for name in APPENDED] == [0, 0]


def test_a_writer_with_another_hdf5_is_refused(path, system_python):
    create_empty(path)
    assert run_python(APPEND.format(first="pass"), path, python=system_python).count(REFUSED) == 2
    with h5py.File(path) as file:
        assert [file[name].id.get_num_chunks() for name in APPENDED] == [0, 0]


@pytest.mark.parametrize("first", ["h5py.h5z.filter_avail(32010)", "file['read'][()]"])
def test_a_writer_that_has_asked_for_the_filter_uses_it(path, first):
    create_empty(path)
    with h5py.File(path, "a") as file:
        create(file, movie(SHAPE, "<u2"), name="read")
    assert run_python(APPEND.format(first=first), path) == ""
    with h5py.File(path) as file:
        for name, (shape, _) in APPENDED.items():
            check_stored(file[name])
            assert same_bytes(file[name][()], movie(shape, "<u2"))


def test_the_filter_is_mandatory_whatever_was_asked_for(path, frames):
    with h5py.File(path, "w") as file:
        assert filters(create(file, frames))[0][1] == h5py.h5z.FLAG_MANDATORY
        again = file["frames"].id.get_create_plist()
        copy = h5py.h5d.create(file.id, b"copy", h5py.h5t.STD_I16BE, h5py.h5s.create_simple(SHAPE), dcpl=again)
        assert copy.get_create_plist().get_filter(0)[1] == h5py.h5z.FLAG_MANDATORY


def test_the_originals_layout_stays_optional(path, frames):
    """It can't hold every chunk, and the original asks for no more."""
    with h5py.File(path, "w") as file:
        assert filters(create(file, frames, options=(0, 0, 0, 0, 1)))[0][1] == h5py.h5z.FLAG_OPTIONAL


def test_shrinking_and_growing_again_shows_the_fill_value(path, frames):
    with h5py.File(path, "w") as file:
        dataset = create(file, frames, chunks=CHUNKS, maxshape=(None, None, None), fillvalue=77)
        dataset.resize((3, 40, 64))
        dataset.resize((5, 48, 70))
    expected = np.full((5, 48, 70), 77, "<u2")
    expected[:3, :40, :64] = frames[:3, :40]
    with h5py.File(path) as file:
        check_stored(file["frames"])
        assert same_bytes(file["frames"][()], expected)


@pytest.mark.parametrize("fillvalue", [0, 5, np.nan, -np.inf])
def test_partly_written_chunks_hold_the_fill_value(path, fillvalue):
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset(
            "frames", SHAPE, "f4", chunks=CHUNKS, compression=FILTER_ID, fillvalue=fillvalue
        )
        dataset[5, 3:9, 10:20] = 1.5
    expected = np.full(SHAPE, fillvalue, "f4")
    expected[5, 3:9, 10:20] = 1.5
    with h5py.File(path) as file:
        check_stored(file["frames"])
        assert np.array_equal(file["frames"][()], expected, equal_nan=True)


@pytest.mark.parametrize("fill_time", ["alloc", "never", "ifset"])
def test_early_allocation_writes_fill_values_through_the_filter(path, frames, fill_time):
    with h5py.File(path, "w") as file:
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk(CHUNKS)
        plist.set_filter(FILTER_ID, h5py.h5z.FLAG_OPTIONAL, ())
        plist.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        plist.set_fill_time({"alloc": 0, "never": 1, "ifset": 2}[fill_time])
        plist.set_fill_value(np.array(9, "<u2"))
        space = h5py.h5s.create_simple(SHAPE)
        dataset = h5py.Dataset(h5py.h5d.create(file.id, b"frames", h5py.h5t.STD_U16LE, space, dcpl=plist))
        dataset[:4] = frames[:4]
        if fill_time == "never":
            # What HDF5 allocates and does not fill is not filtered either.
            dataset[4:] = 9
    with h5py.File(path) as file:
        check_stored(file["frames"])
        assert same_bytes(file["frames"][:4], frames[:4])
        assert (file["frames"][4:] == 9).all()


def test_overwriting_parts_of_chunks(path, frames):
    random = np.random.default_rng(0)
    with h5py.File(path, "w") as file:
        create(file, frames, chunks=(3, 20, 30))
    for _ in range(5):
        low = [random.integers(0, n - 1) for n in SHAPE]
        high = [random.integers(a + 1, n) for a, n in zip(low, SHAPE)]
        part = tuple(map(slice, low, high))
        frames[part] = noise(frames[part].shape, "<u2", seed=int(low[1]))
        with h5py.File(path, "a") as file:
            file["frames"][part] = frames[part]
    with h5py.File(path) as file:
        check_stored(file["frames"])
        assert same_bytes(file["frames"][()], frames)


@pytest.mark.parametrize("same_file", [True, False])
def test_copies_keep_the_stored_bytes(path, tmp_path, frames, same_file):
    with h5py.File(path, "w") as file:
        create(file, frames, chunks=(3, 20, 30), options=(0, 0, 0, 2))
    with h5py.File(path, "a") as source, h5py.File(tmp_path / "copy.h5", "w") as other:
        target = source if same_file else other
        source.copy("frames", target, "copy")
        assert filters(target["copy"]) == filters(source["frames"])
        assert list(stored_chunks(target["copy"])) == list(stored_chunks(source["frames"]))
        assert same_bytes(target["copy"][()], frames)


def test_stored_chunks_can_be_passed_on(path, frames):
    """A stored chunk says everything about itself: it can go to a dataset of another preset, and
    the options of the two datasets may be passed differently."""
    with h5py.File(path, "w") as file:
        source = create(file, frames, chunks=CHUNKS, options=(48, 64, 2, 4))
        target = file.create_dataset("target", SHAPE, "<u2", chunks=CHUNKS, compression=FILTER_ID)
        for offset, mask, stored in stored_chunks(source):
            target.id.write_direct_chunk(offset, stored, mask)
    with h5py.File(path) as file:
        check_stored(file["target"])
        assert same_bytes(file["target"][()], frames)


def test_raw_chunks_can_be_written_directly(path, frames):
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("frames", SHAPE, "<u2", chunks=CHUNKS, compression=FILTER_ID)
        dataset[4:8] = frames[4:8]
        dataset.id.write_direct_chunk((0, 0, 0), frames[:4].tobytes(), filter_mask=1)
    with h5py.File(path) as file:
        assert same_bytes(file["frames"][:8], frames[:8])


def pipeline(file, array, *setters, chunks=CHUNKS):
    """A dataset with filters in the order given."""
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_chunk(chunks)
    for setter in setters:
        setter(plist)
    datatype = h5py.h5t.py_create(array.dtype)
    space = h5py.h5s.create_simple(array.shape)
    dataset = h5py.Dataset(h5py.h5d.create(file.id, b"frames", datatype, space, dcpl=plist))
    dataset[...] = array
    return dataset


def ours(plist):
    plist.set_filter(FILTER_ID, h5py.h5z.FLAG_OPTIONAL, ())


def gzip(plist):
    plist.set_deflate(4)


def lzf(plist):
    plist.set_filter(h5py.h5z.FILTER_LZF, h5py.h5z.FLAG_OPTIONAL)


def shuffle(plist):
    plist.set_shuffle()


def fletcher32(plist):
    plist.set_fletcher32()


def scaleoffset(plist):
    plist.set_scaleoffset(h5py.h5z.SO_INT, 0)


@pytest.mark.parametrize(
    "before",
    [(shuffle,), (gzip,), (shuffle, gzip), (lzf,), (fletcher32,), (scaleoffset,), (shuffle, fletcher32)],
)
@pytest.mark.parametrize("content", [movie, noise])
def test_other_filters_before_ours(path, before, content):
    array = content(SHAPE, "<u2")
    with h5py.File(path, "w") as file:
        pipeline(file, array, *before, ours)
    with h5py.File(path) as file:
        for _, mask, stored in stored_chunks(file["frames"]):
            # HDF5 leaves out gzip and LZF where they do not pay; ours never.
            assert mask & 1 << len(before) == 0
            assert stored.startswith(MAGIC)
        assert same_bytes(file["frames"][()], array)


@pytest.mark.parametrize(
    "after", [(gzip,), (shuffle, gzip), (fletcher32,), (shuffle, fletcher32), (gzip, fletcher32)]
)
def test_other_filters_after_ours(path, frames, after):
    with h5py.File(path, "w") as file:
        pipeline(file, frames, ours, *after)
    with h5py.File(path) as file:
        for _, mask, stored in stored_chunks(file["frames"]):
            assert mask & 1 == 0
            if after == (gzip,) and not mask:
                stored = zlib.decompress(stored)
            if shuffle not in after and not (gzip in after and fletcher32 in after):
                assert stored.startswith(MAGIC)
        assert same_bytes(file["frames"][()], frames)


def test_filters_of_numbers_behind_ours_are_refused(path, frames):
    """They would take the bytes of a movie for numbers, and change them."""
    with h5py.File(path, "w") as file:
        with pytest.raises(ValueError, match="scale-offset behind this filter would take its bytes for numbers"):
            pipeline(file, frames, ours, scaleoffset)
        assert "frames" not in file


def test_h5pys_keywords_for_other_filters(path, frames):
    with h5py.File(path, "w") as file:
        dataset = create(file, frames, chunks=CHUNKS, shuffle=True, fletcher32=True)
        assert [f[0] for f in filters(dataset)] == [
            h5py.h5z.FILTER_SHUFFLE,
            FILTER_ID,
            h5py.h5z.FILTER_FLETCHER32,
        ]
        scaled = create(file, frames, name="scaled", chunks=CHUNKS, scaleoffset=0)
        assert same_bytes(scaled[()], frames)
    with h5py.File(path) as file:
        check_stored(file["frames"])
        assert same_bytes(file["frames"][()], frames)


def test_a_dataset_beside_others(path, frames):
    """Datasets of different geometry are written and read in turns, as acquisition programs do."""
    shapes = {"frames": SHAPE, "mask": (48, 64), "spectrum": (100,), "rgb": (5, 30, 40, 3)}
    arrays = {
        name: movie(shape, dtype) for (name, shape), dtype in zip(shapes.items(), ["<u2", "?", "f8", "u1"])
    }
    with h5py.File(path, "w") as file:
        datasets = {
            name: file.create_dataset(name, a.shape, a.dtype, chunks=(1, *a.shape[1:]), compression=FILTER_ID)
            for name, a in arrays.items()
        }
        for i in range(100):
            for name, array in arrays.items():
                if i < len(array):
                    datasets[name][i] = array[i]
    with h5py.File(path) as file:
        for dataset in file.values():
            check_stored(dataset)
        for i in range(10):
            for name, array in arrays.items():
                if i < len(array):
                    assert file[name][i].tobytes() == array[i].tobytes()


@pytest.mark.parametrize("libver", ["earliest", "v110", "latest"])
def test_every_file_format(path, frames, libver):
    """Newer formats index chunks in other ways, and can leave partial edge chunks unfiltered."""
    with h5py.File(path, "w", libver=libver) as file:
        check_stored(create(file, frames, chunks=(3, 20, 30)))
        check_stored(create(file, frames, chunks=(3, 20, 30), maxshape=(None, 48, 64), name="growing"))
        check_stored(create(file, frames, chunks=SHAPE, name="single"))
    with h5py.File(path) as file:
        for dataset in file.values():
            assert same_bytes(dataset[()], frames)


def test_a_reader_beside_a_writer(path, frames):
    """Single writer, multiple readers: appended frames are seen without the file being closed."""
    script = f"""
        import sys, h5py
        from support import movie, same_bytes
        frames = movie({SHAPE}, "<u2")
        with h5py.File(sys.argv[1], "r", swmr=True) as file:
            dataset = file["frames"]
            print(len(dataset), flush=True)
            sys.stdin.readline()
            dataset.refresh()
            assert same_bytes(dataset[()], frames)
            print(len(dataset))
    """
    with h5py.File(path, "w", libver="latest") as file:
        dataset = file.create_dataset(
            "frames", (0, 48, 64), "<u2", chunks=CHUNKS, maxshape=(None, 48, 64), compression=FILTER_ID
        )
        file.swmr_mode = True
        reader = start_python(script, path)
        assert reader.stdout.readline() == "0\n"
        for t, frame in enumerate(frames):
            dataset.resize(t + 1, axis=0)
            dataset[t] = frame
            dataset.flush()
        output, errors = reader.communicate("go on\n", timeout=60)
        assert (output, errors) == ("10\n", "")
        check_stored(dataset)
