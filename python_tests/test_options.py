"""What a user passes as compression_opts, what is stored, and which mistakes are refused."""

import h5py
import numpy as np
import pytest

from support import FILTER_ID, MAGIC, check_stored, create, filters, movie, same_bytes, stored_chunks

SHAPE = (7, 40, 60)
# What the original's chunks of three such frames start with: their size and a start code.
ORIGINAL_START = (3 * 40 * 60 * 2).to_bytes(8, "little") + bytes([0, 0, 0, 1])


@pytest.mark.parametrize(
    "options",
    [
        None,
        (),
        (0, 0, 0),
        (40, 60, 2),
        (0, 60, 0),
        (0, 0, 0, 0),
        (40, 60, 2, 1),
        (0, 0, 0, 5, 0),
        (40, 60, 2, 9, 0),
        (0, 0, 0, 3, 1),
        (40, 60, 2, 0, 1),
    ],
    ids=str,
)
def test_none_three_four_or_five_values_read_back_the_same(path, options):
    frames = movie(SHAPE, "<u2")
    with h5py.File(path, "w") as file:
        create(file, frames, options=options, chunks=(3, 40, 60))
    with h5py.File(path) as file:
        dataset = file["frames"]
        assert same_bytes(dataset[()], frames)
        is_original = options is not None and options[4:] == (1,)
        for _, mask, stored in stored_chunks(dataset):
            assert mask == 0
            assert stored.startswith(ORIGINAL_START if is_original else MAGIC)
            assert is_original or len(stored) < frames.nbytes / 7 * 3


@pytest.mark.parametrize("options", [None, (0, 0, 0), (40, 60, 2), (0, 0, 0, 5), (0, 0, 0, 5, 1)], ids=str)
def test_what_is_stored_starts_with_the_users_five_slots(path, options):
    with h5py.File(path, "w") as file:
        dataset = create(file, movie(SHAPE, "<u2"), options=options)
        ((filter_id, flags, values, name),) = filters(dataset)
        assert filter_id == FILTER_ID and name == b"h5h264"
        preset, layout = ((options or ()) + (0,) * 5)[3:5] if options and len(options) > 3 else (0, 0)
        assert flags == (h5py.h5z.FLAG_OPTIONAL if layout else h5py.h5z.FLAG_MANDATORY)
        assert values[:5] == (40, 60, 2, preset, layout)
        assert len(values) <= 16


def test_presets_are_stored_and_matter(path):
    frames = movie((20, 100, 120), "u1")
    sizes = []
    with h5py.File(path, "w") as file:
        for preset in range(10):
            dataset = create(file, frames, name=str(preset), options=(0, 0, 0, preset, 2))
            assert filters(dataset)[0][2][3] == preset
            sizes.append(check_stored(dataset))
        for preset in range(10):
            assert same_bytes(file[str(preset)][()], frames)
    assert sizes[5] < sizes[1] < sizes[0]


def test_the_same_chunk_is_stored_the_same_way_however_the_options_were_passed(path):
    frames = movie(SHAPE, "<u2")
    with h5py.File(path, "w") as file:
        stored = {
            next(stored_chunks(create(file, frames, name=str(options), options=options)))[2]
            for options in [None, (0, 0, 0), (40, 60, 2), (40, 60, 2, 0), (0, 0, 0, 0, 0)]
        }
    assert len(stored) == 1


ODD = (4, 33, 45)


@pytest.mark.parametrize(
    "shape, dtype, options, found, expected",
    [
        (SHAPE, "<u2", (40,), "1 option ", "expected none, or 3 to 5"),
        (SHAPE, "<u2", (40, 60), "2 options", "expected none, or 3 to 5"),
        (SHAPE, "<u2", (40, 60, 2, 0, 0, 0), "6 options", "expected none, or 3 to 5"),
        (SHAPE, "<u2", (0,) * 10, "10 options", "expected none, or 3 to 5"),
        (SHAPE, "<u2", (0,) * 70, "70 options", "expected none, or 3 to 5"),
        (SHAPE, "<u2", (0, 0, 0, 10), "preset 10", "expected 0, ultrafast, to 9, placebo"),
        (SHAPE, "<u2", (0, 0, 0, 2**32 - 1), "preset 4294967295", "expected 0, ultrafast, to 9, placebo"),
        (SHAPE, "<u2", (0, 0, 0, 0, 3), "layout 3", "expected 0, this project's, 1, the original's, or 2, plain movies"),
        (SHAPE, "<u2", (0, 0, 0, 0, 2), "plain movies have frames of bytes", "found 40 × 60 × 1 samples of 2 bytes"),
        (SHAPE, "<u2", (41, 60, 2), "height 41 × width 60 × 2 bytes", "expected their product to divide it"),
        (SHAPE, "<u2", (40, 61, 2), "height 40 × width 61 × 2 bytes", "the chunk of 33600 bytes"),
        (SHAPE, "<u2", (40, 60, 9), "height 40 × width 60 × 9 bytes", "expected their product to divide it"),
        (SHAPE, "<u2", (2**32 - 1, 2**32 - 1, 2**32 - 1), "height 4294967295", "product to divide it"),
        (SHAPE, "<u2", (1, 1, 24), "24 bytes per sample", "expected at most 16"),
        (ODD, "u1", (0, 0, 0, 0, 1), "found 33 × 45", "pictures of even height and width"),
        (ODD, "<u2", (33, 45, 2, 0, 1), "found 33 × 90", "pictures of even height and width"),
        ((2, 32, 40), "f8", (0, 0, 0, 0, 1), "found 8", "samples of 1, 2 or 4 bytes"),
        ((2, 2, 16386), "u1", (0, 0, 0, 0, 1), "found 2 × 16386", "at most 16384"),
    ],
    ids=str,
)
def test_options_that_cannot_work_are_refused_and_leave_nothing_behind(
    path, shape, dtype, options, found, expected
):
    with h5py.File(path, "w") as file:
        with pytest.raises(ValueError) as caught:
            file.create_dataset(
                "frames", shape, dtype, chunks=shape, compression=FILTER_ID, compression_opts=options
            )
        message = str(caught.value)
        assert "h5h264: " in message and found in message and expected in message, message
        assert list(file) == []
        # The file can be used further.
        check_stored(create(file, movie(shape, dtype)))
    with h5py.File(path) as file:
        assert same_bytes(file["frames"][()], movie(shape, dtype))


def test_creation_properties_can_be_used_for_another_dataset(path):
    """Those of an existing dataset hold what was stored for it, of which only what its user had
    passed may count for the next one."""
    with h5py.File(path, "w") as file:
        first = create(file, movie(SHAPE, "<u2"), options=(0, 0, 0, 5))
        for i, (shape, dtype) in enumerate(
            [((3, 64, 80), "u1"), ((10, 11), ">f4"), ((100,), "c8"), (SHAPE, "<u2")]
        ):
            frames = movie(shape, dtype)
            plist = first.id.get_create_plist()
            plist.set_chunk(shape)
            space = h5py.h5s.create_simple(shape)
            datatype = h5py.h5t.py_create(np.dtype(dtype))
            again = h5py.Dataset(h5py.h5d.create(file.id, str(i).encode(), datatype, space, dcpl=plist))
            again[...] = frames
            check_stored(again)
            assert same_bytes(again[()], frames)
            fresh = create(file, frames, name=f"fresh {i}", options=(0, 0, 0, 5))
            assert filters(again) == filters(fresh)


def test_creation_properties_with_explicit_frames_are_checked_again(path):
    with h5py.File(path, "w") as file:
        plist = create(file, movie((640,), "u1"), options=(8, 8, 1)).id.get_create_plist()
        for n, fits in [(128, True), (100, False)]:
            plist.set_chunk((n,))
            arguments = (file.id, b"%d" % n, h5py.h5t.NATIVE_UINT8, h5py.h5s.create_simple((n,)), plist)
            if fits:
                assert filters(h5py.Dataset(h5py.h5d.create(*arguments)))[0][2][:3] == (8, 8, 1)
            else:
                with pytest.raises(
                    ValueError, match="height 8 × width 8 × 1 bytes do not fit the chunk of 100 bytes"
                ):
                    h5py.h5d.create(*arguments)


def test_a_mandatory_filter_works_the_same(path):
    frames = movie(SHAPE, "<u2")
    with h5py.File(path, "w") as file:
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk(SHAPE)
        plist.set_filter(FILTER_ID, 0, ())
        space = h5py.h5s.create_simple(SHAPE)
        dataset = h5py.Dataset(h5py.h5d.create(file.id, b"frames", h5py.h5t.STD_U16LE, space, dcpl=plist))
        dataset[...] = frames
        check_stored(dataset)
        assert filters(dataset)[0][1] == 0
        assert same_bytes(dataset[()], frames)


def test_a_filter_object_works_with_h5py(path):
    class H264(h5py.filters.FilterRefBase):
        filter_id = FILTER_ID
        filter_options = (0, 0, 0, 1)

    frames = movie(SHAPE, "<u2")
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("frames", data=frames, chunks=SHAPE, **H264())
        check_stored(dataset)
        assert filters(dataset)[0][2][3] == 1
        assert same_bytes(dataset[()], frames)
