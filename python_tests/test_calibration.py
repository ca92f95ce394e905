"""Do views give calibrated frames, and nothing else?"""

import os
import shutil
import subprocess
import sys
import threading
import time

import h5py
import numpy as np
import pytest
from support import TESTS, run_python

sys.path.insert(0, str(TESTS.parent / "python" / "h5h264"))
import calib  # noqa: E402

ORIGINAL = TESTS.parent / "tests" / "data" / "h5calib"
H264 = 32010
N, HEIGHT, WIDTH, CELLS = 6, 24, 37, 3
SHAPE = (N, HEIGHT, WIDTH)
RNG = np.random.default_rng(7)

PEDESTALS = RNG.normal(100, 5, (CELLS, HEIGHT, WIDTH))
LEVELS = np.stack(
    [RNG.normal(value, value / 100, (CELLS, HEIGHT, WIDTH)) for value in (1000, 3000, 400, 20, 300, 6, 200, 2)], -1
)
STAGES = LEVELS[..., 2:]
MASK = RNG.random((HEIGHT, WIDTH)) < 0.1
RAW = RNG.integers(0, 4000, SHAPE)
PAIRS = np.stack([RAW, RNG.choice([900, 2000, 4000], SHAPE)], -1)
WORDS = (RAW | RNG.choice([0, 1, 2, 3], SHAPE) << 14).astype("u2")


def subtract(raw, pedestals, dtype):
    return raw.astype(dtype) - pedestals.astype(dtype)


def by_level(signal, level, pairs):
    choose = [level == n for n in range(3)]
    pedestal = np.select(choose, [pairs[..., 2 * n] for n in range(3)], np.nan)
    gain = np.select(choose, [pairs[..., 2 * n + 1] for n in range(3)], np.nan)
    return (signal - pedestal) / gain


def agipd_v2(raw, constants, dtype):
    raw, constants = raw.astype(dtype), constants.astype(dtype)
    level = (raw[..., 1] > constants[..., 0]).astype(int)
    level[raw[..., 1] > constants[..., 1]] = 2
    return by_level(raw[..., 0], level, constants[..., 2:]).astype(dtype)


def jungfrau_v1(raw, constants, dtype):
    level = np.array([0, 1, 7, 2])[raw >> 14]
    return by_level((raw & 0x3FFF).astype(dtype), level, constants.astype(dtype)).astype(dtype)


EXAMPLES = {
    "pedestal_v1": (RAW, PEDESTALS, subtract),
    "AGIPD_v1": (RAW, PEDESTALS, subtract),
    "AGIPD_v2": (PAIRS, LEVELS, agipd_v2),
    "JUNGFRAU_v1": (WORDS, STAGES, jungfrau_v1),
}


def expected(algorithm, dtype="f4", mask=None, n_cells=CELLS, raw=None, constants=None):
    example_raw, example_constants, calibrate = EXAMPLES[algorithm]
    raw = example_raw if raw is None else raw
    constants = example_constants if constants is None else constants
    n_cells = 1 if algorithm == "pedestal_v1" else n_cells
    frames = np.stack([calibrate(raw[i], constants[i % n_cells], np.dtype(dtype)) for i in range(len(raw))])
    if mask is not None:
        frames[:, mask] = np.nan
    return frames


def fill(file, algorithm, raw_dtype="u2", constants_dtype="f4", **kwargs):
    raw, constants, _ = EXAMPLES[algorithm]
    stored = dict(compression=H264, chunks=(2, *raw.shape[1:]))
    file.create_dataset("raw", data=raw.astype(raw_dtype), **(stored | kwargs))
    file["calib"] = constants.astype(constants_dtype)
    file["mask"] = MASK


def make(path, algorithm="AGIPD_v2", view=None, **kwargs):
    with h5py.File(path, "w") as file:
        fill(file, algorithm, **kwargs)
        calib.create_processed(file, SHAPE, calib_alg=algorithm, n_cells=CELLS, **(view or {}))


def same(a, b):
    return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=True)


# What the original wrote


@pytest.mark.parametrize("name", ["proc_pedestal", "proc_agipd_v1", "proc_agipd_v2"])
def test_views_of_the_original_give_what_they_gave(name):
    with h5py.File(ORIGINAL / "original.h5") as file, h5py.File(ORIGINAL / "expected.h5") as results:
        assert file[name][()].tobytes() == results[name][()].tobytes()


def test_the_originals_headers_are_written_bit_for_bit(tmp_path):
    shutil.copy(ORIGINAL / "original.h5", tmp_path)
    with h5py.File(tmp_path / "original.h5", "r+") as file:
        for old, raw, constants, algorithm in [
            ("proc_pedestal", "/raw1", "/pedestal", "pedestal_v1"),
            ("proc_agipd_v1", "/raw2", "/calib", "AGIPD_v1"),
            ("proc_agipd_v2", "/raw_v2", "/calib_v2", "AGIPD_v2"),
        ]:
            new = calib.create_processed(file, (6, 32, 40), algorithm, raw, constants, algorithm, 4)
            for i in range(6):
                stored = [view.id.read_direct_chunk((i, 0, 0)) for view in (file[old], new)]
                assert stored[0] == stored[1]


def test_the_originals_way_to_write_headers_works(path):
    make(path, "AGIPD_v1")
    with h5py.File(path, "r+") as file:
        header = file["processed"].id.read_direct_chunk((2, 0, 0))[1]
        mine = file.create_dataset("mine", SHAPE, "f4", chunks=(1, HEIGHT, WIDTH), compression=calib.FILTER_ID)
        pixels = np.zeros((HEIGHT, WIDTH), "f4")
        pixels.reshape(-1).view("u1")[: len(header)] = np.frombuffer(header, "u1")
        mine[2] = pixels
        del mine
        assert file["mine"].id.read_direct_chunk((2, 0, 0)) == (0, header)
        assert same(file["mine"][2], expected("AGIPD_v1")[2])


# What is calculated


@pytest.mark.parametrize("n_frames", [1, 2, 4, 6])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("algorithm", EXAMPLES)
def test_every_algorithm_gives_what_numpy_gives(path, algorithm, masked, dtype, n_frames):
    view = dict(dtype=dtype, chunks=n_frames, mask="/mask" if masked else None)
    make(path, algorithm, view, constants_dtype=dtype)
    with h5py.File(path) as file:
        frames = file["processed"]
        wanted = expected(algorithm, dtype, MASK if masked else None)
        assert same(frames[()], wanted)
        for i in (N - 1, 0, 3):
            assert same(frames[i], wanted[i])
        described = calib.describe(frames)
        old = n_frames == 1 and dtype == "f4" and not masked and algorithm != "JUNGFRAU_v1"
        assert described.header_version == (1 if old else 2)
        assert (described.calib_alg, described.raw, described.calib) == (algorithm, "/raw", "/calib")
        assert described.mask == ("/mask" if masked else None)
        assert (described.chunks, described.dtype) == ((n_frames, HEIGHT, WIDTH), np.dtype(dtype))
        assert described.n_cells == (1 if algorithm == "pedestal_v1" else CELLS)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("algorithm", EXAMPLES)
def test_large_frames_that_share_a_cell(path, algorithm, dtype):
    """They are computed part by part."""
    raw, constants = (np.tile(example, (1, 12, 13) + (1,) * (example.ndim - 3)) for example in EXAMPLES[algorithm][:2])
    n_cells = 2
    wanted = expected(algorithm, dtype, n_cells=n_cells, raw=raw, constants=constants)
    with h5py.File(path, "w") as file:
        file["raw"], file["calib"] = raw, constants
        view = calib.create_processed(
            file, raw.shape[:3], calib_alg=algorithm, n_cells=n_cells, dtype=dtype, chunks=5
        )
        assert same(view[()], wanted)


@pytest.mark.parametrize("dtype", "u1 i1 <u2 >u2 <i2 >i2 <u4 >u4 <i4 >i4 <u8 >i8 <f2 >f2 <f4 >f4 <f8 >f8".split())
def test_raw_numbers_of_every_type(path, dtype):
    raw = (RAW % 120).astype(dtype)
    for out in ("f4", "f8"):
        with h5py.File(path, "w") as file:
            file["raw"], file["calib"] = raw, PEDESTALS.astype(dtype)
            view = calib.create_processed(file, SHAPE, n_cells=CELLS, dtype=out)
            assert same(view[()], expected("AGIPD_v1", out, raw=raw, constants=PEDESTALS.astype(dtype)))


def test_jungfrau_without_cells(path):
    for constants in (STAGES[0], STAGES[:1]):
        with h5py.File(path, "w") as file:
            file["raw"], file["calib"] = WORDS.view(">u2").byteswap().view(">u2"), constants
            file["raw"].dtype, file["raw"][()]
            view = calib.create_processed(file, SHAPE, calib_alg="JUNGFRAU_v1")
            assert calib.describe(view).n_cells == 1
            raw = file["raw"][()].astype("u2")
            assert same(view[()], expected("JUNGFRAU_v1", n_cells=1, raw=raw, constants=constants.reshape(1, HEIGHT, WIDTH, 6).astype("f4")))


def test_a_mask_may_have_cells_and_other_types(path):
    masks = RNG.integers(0, 2, (CELLS, HEIGHT, WIDTH)).astype(">i4") << 30
    with h5py.File(path, "w") as file:
        fill(file, "AGIPD_v1")
        file["masks"] = masks
        view = calib.create_processed(file, SHAPE, n_cells=CELLS, mask="/masks")
        frames = expected("AGIPD_v1")
        for i in range(N):
            frames[i, masks[i % CELLS] != 0] = np.nan
        assert same(view[()], frames)


@pytest.mark.parametrize(
    "filters",
    [
        dict(compression=H264),
        dict(compression="gzip", shuffle=True, fletcher32=True),
        dict(compression="lzf"),
        dict(compression=None),
    ],
    ids=["h264", "gzip", "lzf", "none"],
)
def test_raw_images_may_be_compressed(path, filters):
    for algorithm in ("AGIPD_v1", "JUNGFRAU_v1", "AGIPD_v2"):
        chunks = (4, HEIGHT, WIDTH) + (2,) * (algorithm == "AGIPD_v2")
        make(path, algorithm, dict(chunks=4), chunks=chunks, **filters)
        with h5py.File(path) as file:
            assert same(file["processed"][()], expected(algorithm))


def test_links_lead_to_raw_images_and_constants(tmp_path):
    with h5py.File(tmp_path / "raw.h5", "w") as file:
        file["deep/raw"] = PAIRS
    with h5py.File(tmp_path / "constants.h5", "w") as file:
        file["calib"] = LEVELS.astype("f4")
    with h5py.File(tmp_path / "run.h5", "w") as file:
        file["r"] = h5py.ExternalLink("raw.h5", "/deep/raw")
        file["c"] = h5py.ExternalLink("constants.h5", "/calib")
        file["constants"] = h5py.SoftLink("/c")
        calib.create_processed(file, SHAPE, "view", "/r", "constants", "AGIPD_v2", CELLS)
    with h5py.File(tmp_path / "master.h5", "w") as file:
        file["view"] = h5py.ExternalLink("run.h5", "/view")
    for name in ("run.h5", "master.h5"):
        with h5py.File(tmp_path / name) as file:
            assert same(file["view"][()], expected("AGIPD_v2"))


# Which file


def with_constants(path, constants):
    make(path, "AGIPD_v1")
    with h5py.File(path, "r+") as file:
        file["calib"][()] = constants


def test_two_files_with_the_same_paths_keep_their_constants(tmp_path):
    for i in range(3):
        with_constants(tmp_path / f"{i}.h5", PEDESTALS + i)
    files = [h5py.File(tmp_path / f"{i}.h5") for i in range(3)]
    views = [file["processed"] for file in files]
    for _ in range(2):
        for i in (0, 1, 2, 1, 0):
            wanted = expected("AGIPD_v1", constants=(PEDESTALS + i).astype("f4"))
            assert same(views[i][()], wanted)
            assert same(files[i]["processed"][3], wanted[3])


def test_a_copy_with_other_constants_gives_its_own_frames_or_an_error(tmp_path):
    make(tmp_path / "a.h5", "AGIPD_v1")
    shutil.copy(tmp_path / "a.h5", tmp_path / "b.h5")
    with h5py.File(tmp_path / "b.h5", "r+") as file:
        file["calib"][()] = PEDESTALS + 1
    wanted = [expected("AGIPD_v1", constants=(PEDESTALS + i).astype("f4")) for i in range(2)]
    with h5py.File(tmp_path / "a.h5") as a, h5py.File(tmp_path / "b.h5") as b:
        assert same(a["processed"][()], wanted[0])
        assert same(b["processed"][()], wanted[1])
        view_a, view_b = a["processed"], b["processed"]
        for view, frames in zip((view_a, view_b), wanted):
            try:
                assert same(view[()], frames)
            except OSError as error:
                assert "a.h5" in str(error) and "b.h5" in str(error)
        del view, view_b
        assert same(view_a[()], wanted[0])


def test_identical_copies_may_both_be_open(tmp_path):
    make(tmp_path / "a.h5", "AGIPD_v1")
    shutil.copy(tmp_path / "a.h5", tmp_path / "b.h5")
    with h5py.File(tmp_path / "a.h5") as a, h5py.File(tmp_path / "b.h5") as b:
        view_a, view_b = a["processed"], b["processed"]
        assert same(view_a[()], expected("AGIPD_v1")) and same(view_b[()], expected("AGIPD_v1"))


def test_a_replaced_file_is_noticed(path):
    for i in range(4):
        with_constants(path, PEDESTALS + i)
        with h5py.File(path) as file:
            assert same(file["processed"][()], expected("AGIPD_v1", constants=(PEDESTALS + i).astype("f4")))


def with_constants_elsewhere(path):
    """A view of constants that an external link leads to, in constants.h5."""
    make(path, "AGIPD_v1", compression=None, chunks=(1, HEIGHT, WIDTH))
    with h5py.File(path, "r+") as file:
        replace(file, "calib", h5py.ExternalLink("constants.h5", "/calib"))


def put_constants(path, number):
    """Writes constants; returns the frame of image 1 that they give."""
    with h5py.File(path, "w") as file:
        file["calib"] = (PEDESTALS + number).astype("f4")
    return expected("AGIPD_v1", constants=(PEDESTALS + number).astype("f4"))[1]


@pytest.mark.skipif(not os.path.exists("/proc/self/io"), reason="this system does not count what is read")
def test_constants_in_a_file_of_their_own_are_read_once(path):
    wanted = put_constants(path.with_name("constants.h5"), 0)
    with_constants_elsewhere(path)

    def bytes_read(view):
        def so_far():
            return int(open("/proc/self/io").readline().split()[1])

        before = so_far()
        assert same(view[1], wanted)
        return so_far() - before

    with h5py.File(path) as file:
        fresh = bytes_read(file["processed"])
        time.sleep(2.1)  # Now the file can't change any more without another time.
        bytes_read(file["processed"])
        kept = bytes_read(file["processed"])
    assert fresh - kept >= 4 * HEIGHT * WIDTH
    with h5py.File(path) as file:
        bytes_read(file["processed"])
        assert bytes_read(file["processed"]) == kept


def test_constants_in_a_file_of_their_own_may_be_replaced(path):
    constants, other = path.with_name("constants.h5"), path.with_name("other.h5")
    first = put_constants(constants, 0)
    with_constants_elsewhere(path)
    time.sleep(2.1)
    with h5py.File(path) as file:
        # HDF5 keeps the chunks of an open dataset.
        assert same(file["processed"][1], first)
        for number in range(1, 4):
            wanted = put_constants(constants, number)
            assert same(file["processed"][1], wanted)
            wanted = put_constants(other, 10 + number)
            os.replace(other, constants)
            assert same(file["processed"][1], wanted)


def test_constants_that_are_elsewhere_are_never_kept(tmp_path):
    sources = [tmp_path / "virtual.h5", tmp_path / "external.bin"]

    def put(constants):
        with h5py.File(sources[0], "w") as file:
            file["c"] = constants.astype("f4")
        sources[1].write_bytes(constants.astype("f4").tobytes())

    layout = h5py.VirtualLayout(PEDESTALS.shape, "f4")
    layout[...] = h5py.VirtualSource(sources[0], "c", PEDESTALS.shape)
    put(PEDESTALS)
    with h5py.File(tmp_path / "run.h5", "w") as file:
        fill(file, "AGIPD_v1")
        file.create_virtual_dataset("virtual", layout)
        file.create_dataset("external", PEDESTALS.shape, "f4", external=str(sources[1]))
        for name in ("virtual", "external"):
            calib.create_processed(file, SHAPE, f"of {name}", calib=name, n_cells=CELLS)
    for number in range(3):
        put(PEDESTALS + number)
        wanted = expected("AGIPD_v1", constants=(PEDESTALS + number).astype("f4"))
        with h5py.File(tmp_path / "run.h5") as file:
            for name in ("of virtual", "of external"):
                assert same(file[name][()], wanted)


def test_constants_that_are_written_while_the_file_is_open_are_noticed(path):
    make(path, "AGIPD_v1")
    with h5py.File(path, "r+") as file:
        for i in range(3):
            file["calib"][()] = PEDESTALS + i
            wanted = expected("AGIPD_v1", constants=(PEDESTALS + i).astype("f4"))
            assert same(file["processed"][i], wanted[i])


@pytest.mark.parametrize("mib", ["0", "1", "99999999999999999999", "many"])
def test_the_cache_changes_nothing(path, mib, monkeypatch):
    make(path)
    monkeypatch.setenv("H5CALIB_CACHE_MIB", mib)
    with h5py.File(path) as file:
        for _ in range(2):
            assert same(file["processed"][()], expected("AGIPD_v2"))


# What goes wrong


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


def replace(file, name, value):
    del file[name]
    file[name] = value


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


# Writing


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
        with pytest.raises(ValueError, match="pixels, and no header"):
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


# Python


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
        with pytest.raises(ValueError, match="no view"):
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


# Living in a program


def test_reads_leave_nothing_behind(path):
    make(path, view=dict(chunks=2))
    script = """
        import resource, sys
        import h5py
        file = h5py.File(sys.argv[1])
        ids = lambda: h5py.h5f.get_obj_count(h5py.h5f.OBJ_ALL, h5py.h5f.OBJ_ALL)
        memory = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        def read(n):
            for i in range(n):
                file["processed"][i % 6, 0, 0]
        read(2000)
        before = ids(), memory()
        read(int(sys.argv[2]))
        print(ids() - before[0], memory() - before[1] < 4000)
    """
    n = os.environ.get("CALIBRATION_READS", "20000")
    assert run_python(script, path, n, timeout=600) == "0 True\n"


def test_threads_and_forked_processes_read(path):
    make(path)
    wanted = expected("AGIPD_v2")
    wrong = []

    def read():
        with h5py.File(path) as file:
            for i in range(60):
                if not same(file["processed"][i % N], wanted[i % N]):
                    wrong.append(i)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    script = """
        import os, sys
        import h5py
        file = h5py.File(sys.argv[1])
        first = file["processed"][0].tobytes()
        for _ in range(4):
            if (child := os.fork()) == 0:
                os._exit(0 if file["processed"][0].tobytes() == first else 1)
            print(os.waitpid(child, 0)[1])
    """
    assert run_python(script, path) == "0\n" * 4


def test_debians_h5py_reads_the_same(path, system_python):
    make(path, "JUNGFRAU_v1", dict(chunks=4, mask="/mask"), compression=H264)
    np.save(path.with_suffix(".npy"), expected("JUNGFRAU_v1", mask=MASK))
    script = """
        import sys
        import h5py, numpy as np
        for name, wanted in [(sys.argv[1], np.load(sys.argv[2]))]:
            print(np.array_equal(h5py.File(name)["processed"][()], wanted, equal_nan=True))
        try:
            h5py.File(name, "r+")["processed"][0] = 1
        except OSError as error:
            print("h5calib" in str(error))
    """
    output = run_python(script, path, path.with_suffix(".npy"), python=system_python)
    assert output == "True\nTrue\n"
