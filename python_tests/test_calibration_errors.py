"""Is what goes wrong, and what is written to a view, a clear error?"""

import shutil
import subprocess

import h5py
import numpy as np
import pytest
from support import run_python
from views import (
    CELLS,
    HEIGHT,
    LEVELS,
    MASK,
    N,
    ORIGINAL,
    PAIRS,
    PEDESTALS,
    RAW,
    RNG,
    SHAPE,
    WIDTH,
    calib,
    expected,
    fill,
    make,
    replace,
    same,
)


def error_of(path, name="processed", index=N - 1):
    """The error when a view is read; reading it must have no other consequences."""
    with h5py.File(path) as file:
        with pytest.raises(OSError, match="h5calib: ") as error:
            file[name][()]
        for _ in range(3):
            with pytest.raises(OSError):
                file[name][index]
    return str(error.value)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda f: f.__delitem__("raw"), "test.h5: object 'raw' doesn't exist"),
        (lambda f: f.__delitem__("calib"), "test.h5: object 'calib' doesn't exist"),
        (lambda f: f.__delitem__("mask"), "test.h5: object 'mask' doesn't exist"),
        (lambda f: replace(f, "raw", h5py.SoftLink("/raw")), "too many links"),
        (lambda f: replace(f, "calib", h5py.ExternalLink("no.h5", "/calib")), "can't open file"),
        (lambda f: f.move("raw", "moved"), "raw dataset /raw"),
        (lambda f: replace(f, "raw", RAW), "expected (images, 24, 37, 2)"),
        (lambda f: replace(f, "raw", PAIRS[:, 1:]), "has shape"),
        (lambda f: replace(f, "raw", PAIRS[:3]), "3 images"),
        (lambda f: replace(f, "raw", PAIRS.astype("c8")), "not single integers or floats"),
        (lambda f: replace(f, "raw", PAIRS.astype("S4")), "not single integers or floats"),
        (lambda f: replace(f, "calib", PEDESTALS), "expected (cells, 24, 37, 8)"),
        (lambda f: replace(f, "calib", LEVELS[:2]), "2 memory cells (expected 3)"),
        (lambda f: replace(f, "calib", h5py.Empty("f4")), "has shape"),
        (lambda f: replace(f, "mask", MASK.T), "has shape"),
        (lambda f: replace(f, "mask", MASK.astype("f4")), "integers or booleans"),
        (lambda f: f.attrs.__delitem__("h5calib_file_magic"), "h5calib_file_magic"),
        (lambda f: f.attrs.__setitem__("h5calib_file_magic", "text"), "h5calib_file_magic"),
        (lambda f: replace(f, "raw", h5py.SoftLink("/processed")), "lead"),
        (lambda f: replace(f, "calib", h5py.SoftLink("/raw")), "has shape"),
    ],
)
def test_what_is_missing_or_does_not_fit_is_an_error(path, change, message):
    make(path, view=dict(mask="/mask"))
    with h5py.File(path, "r+") as file:
        change(file)
    error = error_of(path)
    assert message in error or message == "lead"


def test_jungfrau_needs_words(path):
    make(path, "JUNGFRAU_v1", raw_dtype="u4")
    assert "16-bit integers" in error_of(path)


@pytest.mark.parametrize("length", [1, 2, 3])
def test_views_that_lead_back_to_themselves_are_an_error(path, length):
    with h5py.File(path, "w") as file:
        file["calib"] = PEDESTALS
        for i in range(length):
            calib.create_processed(file, SHAPE, f"v{i}", f"/v{(i + 1) % length}", n_cells=CELLS)
    assert "does a view lead back to itself?" in error_of(path, "v0")


def test_a_view_of_a_view_is_a_view(path):
    with h5py.File(path, "w") as file:
        fill(file, "AGIPD_v1")
        calib.create_processed(file, SHAPE, "first", n_cells=CELLS)
        view = calib.create_processed(file, SHAPE, "second", "/first", n_cells=CELLS)
        first = expected("AGIPD_v1")
        assert same(view[()], expected("AGIPD_v1", raw=first))


@pytest.mark.parametrize("kind", ["original", "new"])
def test_damaged_headers_are_errors_and_never_other_frames(path, kind):
    make(path, "AGIPD_v1", None if kind == "original" else dict(chunks=2))
    wanted = expected("AGIPD_v1")[: 1 if kind == "original" else 2]
    with h5py.File(path, "r+") as file:
        view = file["processed"]
        _, header = view.id.read_direct_chunk((0, 0, 0))
        damaged = [header[:n] for n in range(1, len(header))]
        if kind == "new":
            # The original's have no checksum.
            for bit in range(len(header) * 8):
                flipped = bytearray(header)
                flipped[bit // 8] ^= 1 << bit % 8
                damaged.append(bytes(flipped))
        damaged += [b"x" * 500, bytes(500), header + b"x", header[:8] + b"\xff" * 4 + header[12:]]
        for bytes_ in damaged:
            view.id.write_direct_chunk((0, 0, 0), bytes_)
            with pytest.raises(OSError, match="h5calib: "):
                view[: len(wanted)]
        view.id.write_direct_chunk((0, 0, 0), header)
        assert same(view[: len(wanted)], wanted)


@pytest.mark.parametrize("word, value", [(3, 4), (3, 2**32 - 1), (4, 6), (4, 2**32 - 1), (5, 0), (6, 23), (7, 2**31)])
def test_numbers_out_of_range_in_the_originals_headers_are_errors(path, word, value):
    make(path, "AGIPD_v1")
    with h5py.File(path, "r+") as file:
        view = file["processed"]
        _, header = view.id.read_direct_chunk((0, 0, 0))
        words = np.frombuffer(header[:32], "<u4").copy()
        words[word] = value
        view.id.write_direct_chunk((0, 0, 0), words.tobytes() + header[32:])
    error_of(path, index=0)


def test_views_can_not_be_written_to(tmp_path):
    path = tmp_path / "original.h5"
    shutil.copy(ORIGINAL / "original.h5", path)
    with h5py.File(path, "r+") as file:
        calib.create_processed(file, (6, 32, 40), "new", "/raw2", "/calib", n_cells=4, chunks=3)
        created = calib.create_processed(file, (6, 32, 40), "newer", "/raw2", "/calib", n_cells=4)
        before = {name: file[name][()] for name in ("proc_agipd_v1", "proc_agipd_v2", "new", "newer")}
        for view in (file["proc_agipd_v1"], file["proc_agipd_v2"], file["new"], created):
            for what in (0, slice(None), (2, 3, 4)):
                with pytest.raises(OSError, match="computed when it is read"):
                    view[what] = 1
    with h5py.File(path) as file:
        for name, frames in before.items():
            assert same(file[name][()], frames)


def test_programs_that_write_pixels_end_cleanly(path):
    make(path, "AGIPD_v1")
    script = """
        import sys
        import h5py, numpy as np
        with h5py.File(sys.argv[1], "r+") as file:
            # Not through create_processed: h5py registers the filter as optional, and HDF5 asks for
            # nothing before the first write into a dataset that it has just created.
            data = np.ones((6, 24, 37), "f4")
            mine = file.create_dataset("mine", data=data, chunks=(1, 24, 37), compression=57836)
            for refused in (file.flush, lambda: file["processed"].__setitem__(0, 1)):
                try:
                    refused()
                except (OSError, RuntimeError) as error:
                    print("refused" if "h5calib" in str(error) else error)
        with h5py.File(sys.argv[1]) as file:
            print((file["mine"][()] == data).all())
            print(file["processed"][()].shape)
    """
    assert run_python(script, path) == "refused\nrefused\nTrue\n(6, 24, 37)\n"
    with h5py.File(path, "r+") as file:
        assert same(file["processed"][()], expected("AGIPD_v1"))
        with pytest.raises(ValueError, match="pixels instead of a header"):
            calib.describe(file["mine"])
        _, stored = file["mine"].id.read_direct_chunk((0, 0, 0))
        for damaged in (stored[:8], stored[:-1], stored + b"\0"):
            file["mine"].id.write_direct_chunk((0, 0, 0), damaged)
            with pytest.raises(OSError, match="do not fill a chunk"):
                file["mine"][0]


@pytest.mark.parametrize("kwargs", [dict(dtype="i4"), dict(dtype=">f4"), dict(shape=(6, 24)), dict(compression_opts=(1,))])
def test_datasets_that_can_not_be_views_are_refused(path, kwargs):
    kwargs = dict(name="v", shape=SHAPE, dtype="f4", chunks=True, compression=calib.FILTER_ID) | kwargs
    with h5py.File(path, "w") as file:
        with pytest.raises((ValueError, OSError), match="h5calib: the dataset can't be a view"):
            file.create_dataset(**kwargs)


@pytest.mark.parametrize(
    "kwargs, error",
    [
        (dict(calib_alg="AGIPD_v9"), ValueError),
        (dict(dtype="i4"), TypeError),
        (dict(dtype=">f4"), TypeError),
        (dict(n_cells=0), ValueError),
        (dict(n_cells=1.5), TypeError),
        (dict(raw=""), ValueError),
        (dict(calib="/a\0b"), ValueError),
        (dict(mask=3), TypeError),
        (dict(chunks=0), ValueError),
        (dict(chunks=(1, 5, 5)), ValueError),
    ],
)
def test_arguments_are_checked(path, kwargs, error):
    with h5py.File(path, "w") as file:
        with pytest.raises(error):
            calib.create_processed(file, SHAPE, **kwargs)
        assert not file.keys()


def test_describe_tells_views_from_other_datasets(path):
    with h5py.File(path, "w") as file:
        file["plain"] = RAW
        with pytest.raises(ValueError, match="not a view"):
            calib.describe(file["plain"])
        empty = file.create_dataset("v", SHAPE, "f4", chunks=(1, HEIGHT, WIDTH), compression=calib.FILTER_ID)
        with pytest.raises(ValueError, match="no chunk"):
            calib.describe(empty)
        empty.id.write_direct_chunk((0, 0, 0), b"\x89H5C and so on")
        with pytest.raises(ValueError, match="damaged"):
            calib.describe(empty)


def test_a_view_of_many_large_images_is_small_and_made_at_once(path):
    with h5py.File(path, "w", libver="latest") as file:
        calib.create_processed(file, (10_000, 1024, 1024), calib_alg="AGIPD_v2", n_cells=352)
    assert path.stat().st_size < 10 * 200_000


@pytest.mark.parametrize("name", ["a view", "view"])
def test_h5repack_keeps_views_or_says_why_it_can_not(path, name):
    """Before and after the raw images, by name."""
    make(path, view=dict(name=name, chunks=2))
    packed = path.with_name("packed.h5")

    def repack(*options):
        return subprocess.run(["h5repack", *options, path, packed], capture_output=True, text=True)

    assert repack().returncode == 0
    with h5py.File(packed) as file:
        assert same(file[name][()], expected("AGIPD_v2"))
        assert calib.describe(file[name]).raw == "/raw"
    assert repack("-f", "NONE").returncode == 0
    with h5py.File(packed) as file:
        assert same(file[name][()], expected("AGIPD_v2"))
    refused = repack("--enable-error-stack", "-f", "raw:GZIP=4")
    assert refused.returncode == 1
    assert "it has the properties of another view: copy that with H5Ocopy" in refused.stderr
    with h5py.File(path) as file:
        assert same(file[name][()], expected("AGIPD_v2"))


@pytest.mark.parametrize("name, height", [("view", HEIGHT), ("a view", HEIGHT), ("view", 9000)])
def test_h5repack_loses_no_view_of_the_original(path, name, height):
    """After and before the raw images, by name, and larger than the chunk cache."""
    script = """
        import struct, sys
        import h5py
        # Without the plugin, HDF5 stores what it gets: an optional filter, no cd_values.
        with h5py.File(sys.argv[1], "r+") as file:
            n, height, width = file["raw"].shape
            properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            properties.set_chunk((1, height, width))
            properties.set_filter(57836, h5py.h5z.FLAG_OPTIONAL)
            space = h5py.h5s.create_simple(file["raw"].shape)
            view = h5py.h5d.create(file.id, sys.argv[2].encode(), h5py.h5t.IEEE_F32LE, space, properties)
            for i in range(n):
                words = 0x6290D662, file.attrs["h5calib_file_magic"], 0x10001, i, height, width
                view.write_direct_chunk((i, 0, 0), struct.pack("<6I", *words) + b"/raw\\0/calib\\0")
    """
    with h5py.File(path, "w") as file:
        file["raw"] = RNG.integers(0, 4000, (N, height, WIDTH)).astype("u2")
        file["calib"] = RNG.random((1, height, WIDTH)).astype("f4")
        file.attrs[calib.MAGIC_ATTRIBUTE] = np.uint32(77)
        frames = file["raw"][()] - file["calib"][()]
    run_python(script, path, name, HDF5_PLUGIN_PATH="/nowhere")
    packed = path.with_name("packed.h5")
    status = subprocess.run(["h5repack", "-f", "raw:GZIP=4", path, packed], capture_output=True).returncode
    with h5py.File(path) as file:
        assert same(file[name][()], frames)
    if name == "view" and height == HEIGHT:
        assert status == 0
        with h5py.File(packed) as file:
            assert same(file[name][()], frames)
    else:
        assert status == 1
