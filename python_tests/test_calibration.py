"""Do views give calibrated frames, and nothing else?"""

import shutil

import h5py
import numpy as np
import pytest
from views import (
    CELLS,
    EXAMPLES,
    H264,
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
    STAGES,
    WIDTH,
    WORDS,
    calib,
    expected,
    fill,
    make,
    same,
)


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
