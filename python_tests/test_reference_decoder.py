"""docs/reference_decoder.py, which knows docs/format.md only, decodes what the plugin stores.

Each case asserts that its chunk is really stored in the way that it is meant to cover.
"""

import importlib.util
import os
import re
import subprocess
import sys
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest

FILTER_ID = 32010
ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
LEGACY = ROOT / "tests" / "data" / "legacy"
# Stored chunks, and index.txt: "name | XXH3-128 of the chunk | …".
KEPT_CHUNKS = [
    (index.parent, line)
    for index in sorted((ROOT / "tests" / "data").glob("format-*/index.txt"))
    for line in index.read_text(encoding="utf-8").splitlines()
]


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = sys.modules[path.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


reference = load(DOCS / "reference_decoder.py")
CONSTANT, RAW, VIDEO = reference.CONSTANT, reference.RAW, reference.VIDEO


def store(path, array, *options):
    """The array as one stored chunk, after h5py has read it back."""
    with h5py.File(path, "w") as file:
        file.create_dataset(
            "frames", data=array, chunks=array.shape, compression=FILTER_ID, compression_opts=options
        )
    with h5py.File(path) as file:
        dataset = file["frames"]
        assert dataset[...].tobytes() == array.tobytes()
        filter_mask, stored = dataset.id.read_direct_chunk((0,) * array.ndim)
    assert filter_mask == 0
    return stored


def header_of(stored):
    header, _, _ = reference.read_header(stored)
    return header


def codings(header):
    return [plane.coding for plane in header.planes]


def movie(shape, dtype="u1", top=200):
    """Smooth frames with values from 0 to `top` that move a little from one to the next."""
    n_frames, height, width = shape
    t, y, x = np.ogrid[:n_frames, :height, :width]
    wave = np.sin((x + 2 * t) / 17) + np.cos((y - t) / 23)
    return np.round((wave + 2) / 4 * top).astype(dtype)


def noise(shape, top, seed=1):
    return np.random.default_rng(seed).integers(0, top, shape)


def noisy_movie(shape, dtype="u2"):
    """Smooth frames with enough noise for raw planes, and too many values for a table."""
    return (movie(shape, "i8", 5000) + noise(shape, 64)).astype(dtype)


def ramp(shape, dtype, step):
    """Frames whose rows grow by `step` and so need many bits, with neighbours that differ little."""
    n_frames, height, width = shape
    t, y, x = np.ogrid[:n_frames, :height, :width]
    return (y * step + x // 4 + t).astype(dtype)


# What is stored, how it looks in the header: (array, options, condition on the header).
CASES = {
    "constant": (
        lambda: np.full((3, 20, 30), 777, "u2"),
        (),
        lambda h: h.planes == [] and h.offset == 777,
    ),
    "constant bytes": (
        lambda: np.full((3, 20, 30), 77, "u1"),
        (),
        lambda h: set(codings(h)) == {CONSTANT},
    ),
    "movie of bytes": (
        lambda: movie((5, 48, 65)),
        (),
        lambda h: (
            [(p.bits, p.coding) for p in h.planes] == [(8, VIDEO)]
            and (h.mapping, h.offset, h.table) == (reference.INTEGER, 0, [])
            and len(h.access_unit_bytes) == 5
        ),
    ),
    "movie of bytes, CABAC": (
        lambda: movie((5, 48, 65)),
        (0, 0, 0, 5),
        lambda h: codings(h) == [VIDEO],
    ),
    "raw and video planes": (
        lambda: noisy_movie((4, 50, 70)) + 3000,
        (),
        lambda h: codings(h)[0] == RAW and codings(h)[-1] == VIDEO and h.offset != 0,
    ),
    "raw planes of bits that don't fill bytes": (
        lambda: noisy_movie((4, 51, 71)),
        (),
        lambda h: codings(h)[0] == RAW and h.planes[0].bits % 8 and 51 * 71 * h.planes[0].bits % 8,
    ),
    "constant low bits": (
        lambda: noisy_movie((4, 50, 70)) << 4,
        (),
        lambda h: codings(h)[0] == CONSTANT,
    ),
    "signed integers": (
        lambda: noisy_movie((4, 50, 70), "i2") - np.int16(2000),
        (),
        lambda h: h.offset >= 1 << 15 and VIDEO in codings(h),
    ),
    "signed bytes": (
        lambda: (movie((4, 50, 70), "i2") - 100).astype("i1"),
        (),
        lambda h: h.offset == 128 and VIDEO in codings(h),
    ),
    "bool": (
        lambda: movie((4, 50, 70)) > 100,
        (),
        lambda h: VIDEO in codings(h),
    ),
    "big-endian": (
        lambda: noisy_movie((4, 50, 70), ">u2"),
        (),
        lambda h: h.big_endian and h.sample_bytes == 2 and VIDEO in codings(h),
    ),
    "few values": (
        lambda: np.array([0, 1, 7, 2**32 - 1], "u4")[movie((4, 50, 70), top=3)],
        (),
        lambda h: h.table == [0, 1, 7, 2**32 - 1] and VIDEO in codings(h),
    ),
    "scaled values": (
        lambda: movie((4, 50, 70), "u2", 150) * np.uint16(201),
        (),
        lambda h: len(h.table) > 100 and VIDEO in codings(h),
    ),
    "integers in binary16": (
        lambda: (movie((4, 50, 70), "i2") - 100).astype("f2"),
        (),
        lambda h: h.mapping == reference.INTEGRAL_FLOAT and h.sample_bytes == 2 and VIDEO in codings(h),
    ),
    "integers in binary32": (
        lambda: (noisy_movie((4, 50, 70), "i4") - 2000).astype("f4"),
        (),
        lambda h: h.mapping == reference.INTEGRAL_FLOAT and h.sample_bytes == 4 and VIDEO in codings(h),
    ),
    "integers in big-endian binary64": (
        lambda: (noisy_movie((4, 50, 70), "i8") - 2**52).astype(">f8"),
        (),
        lambda h: h.mapping == reference.INTEGRAL_FLOAT and h.sample_bytes == 8 and VIDEO in codings(h),
    ),
    **{
        f"ordered floats with NaN, infinities and -0.0, {dtype}": (
            lambda dtype=dtype: special(movie((4, 50, 70), "f8", 60) / 7 - 3, dtype),
            (),
            lambda h: h.mapping in (reference.ORDERED_FLOAT, reference.ROTATED_FLOAT) and VIDEO in codings(h),
        )
        for dtype in ("f2", "f4", ">f4", "f8")
    },
    "floats around zero": (
        lambda: (noisy_movie((4, 50, 70), "f4") * np.where(np.arange(70) % 3, 0.01, -0.01)).astype("f4"),
        (),
        lambda h: h.mapping == reference.ROTATED_FLOAT and VIDEO in codings(h),
    ),
    "complex": (
        lambda: (movie((4, 50, 70), "f4") + 1j * movie((4, 50, 70), "f4", 90)).astype("c8"),
        (),
        lambda h: h.shape == (4, 50, 70, 2) and h.mapping == reference.INTEGRAL_FLOAT and VIDEO in codings(h),
    ),
    "RGB": (
        lambda: colours(movie((4, 50, 71), top=180), 3),
        (),
        lambda h: h.is_rgb and h.shape == (4, 50, 71, 3),
    ),
    "RGBA": (
        lambda: colours(movie((4, 50, 71), top=180), 4),
        (),
        lambda h: not h.is_rgb and h.shape[3] == 4 and VIDEO in codings(h),
    ),
    "RGB of 16 bits": (
        lambda: colours(noisy_movie((3, 50, 71)), 3),
        (),
        lambda h: not h.is_rgb and h.shape[3] == 3 and VIDEO in codings(h),
    ),
    "rows longer than a picture can be": (
        lambda: movie((2, 5, 16387)),
        (),
        lambda h: h.shape[2] == 16387 and VIDEO in codings(h),
    ),
    "RGB rows longer than a picture can be": (
        lambda: colours(movie((2, 5, 33001), top=180), 3),
        (),
        lambda h: not h.is_rgb and h.shape[2] == 33001 and VIDEO in codings(h),
    ),
    "more rows than a picture can have": (
        lambda: movie((3, 16385, 17)),
        (),
        lambda h: len(h.access_unit_bytes) == 2 * 3,
    ),
    "more lines of all planes than a picture can have": (
        lambda: colours(ramp((2, 9000, 20), "u2", 7), 3),
        (),
        lambda h: codings(h).count(VIDEO) == 2 and h.strip_height * 3 * 2 <= 16384,
    ),
    "tiny frames under each other": (
        lambda: movie((300, 4, 20)),
        (),
        lambda h: h.shape == (1, 1200, 20, 1) and VIDEO in codings(h),
    ),
    "tiny frames in a row": (
        lambda: np.repeat([100, 116, 90], 2000).astype("u2").reshape(300, 4, 5),
        (),
        lambda h: h.shape == (1, 300, 20, 1) and VIDEO in codings(h),
    ),
    "one dimension": (
        lambda: np.repeat([100, 116, 90], 2000).astype("u2"),
        (),
        lambda h: h.shape == (1, 16, 375, 1) and VIDEO in codings(h),
    ),
    "strips": (
        lambda: ramp((2, 521, 512), "u2", 100),
        (),
        lambda h: h.strip_height < 521 and codings(h).count(VIDEO) == 2,
    ),
    "strips of components": (
        lambda: colours(ramp((2, 521, 512), "u2", 100), 3),
        (),
        lambda h: h.strip_height < 521 and h.shape[3] == 3 and codings(h).count(VIDEO) == 2,
    ),
    "strips with raw planes": (
        lambda: noisy_movie((2, 521, 515), "u2"),
        (),
        lambda h: h.strip_height < 521 and {RAW, VIDEO} <= set(codings(h)),
    ),
    "64 bits": (
        lambda: noisy_movie((3, 50, 70), "u8") + np.uint64(2**63),
        (),
        lambda h: h.offset > 2**62 and h.sample_bytes == 8 and VIDEO in codings(h),
    ),
    "many video planes": (
        lambda: ramp((3, 50, 70), "u8", 3**17),
        (),
        lambda h: codings(h).count(VIDEO) > 2,
    ),
}


def special(floats, dtype):
    floats = floats.astype(dtype)
    values = [np.nan, -np.nan, np.inf, -np.inf, -0.0, 0.0]
    values += [np.finfo(dtype).smallest_subnormal, -np.finfo(dtype).max]
    floats[0, 0, : len(values)] = values
    return floats


def colours(frames, n_components):
    return np.stack([frames + 10 * i for i in range(n_components)], axis=-1).astype(frames.dtype)


@pytest.mark.parametrize("name", CASES)
def test_it_decodes(name, tmp_path):
    make, options, is_meant = CASES[name]
    array = make()
    stored = store(tmp_path / "test.h5", array, *options)
    header = header_of(stored)
    assert is_meant(header), header
    assert reference.decode(stored) == array.tobytes()


def test_it_decodes_raw_content(tmp_path):
    array = noise((3, 40, 50), 256).astype("u1")
    stored = store(tmp_path / "test.h5", array)
    assert reference.read_header(stored) is None and len(stored) == array.nbytes + 25
    assert reference.decode(stored) == array.tobytes()


def test_it_decodes_what_a_filter_before_left_of_a_chunk(tmp_path):
    array = movie((4, 48, 66))
    with h5py.File(tmp_path / "test.h5", "w") as file:
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk(array.shape)
        plist.set_deflate(6)
        plist.set_filter(FILTER_ID, h5py.h5z.FLAG_OPTIONAL)
        space = h5py.h5s.create_simple(array.shape)
        dataset = h5py.Dataset(h5py.h5d.create(file.id, b"frames", h5py.h5t.NATIVE_UINT8, space, plist))
        dataset[...] = array
        file.flush()
        filter_mask, stored = dataset.id.read_direct_chunk((0, 0, 0))
    assert filter_mask == 0 and stored[24] == reference.RESIZED
    assert zlib.decompress(reference.decode(stored, array.nbytes)) == array.tobytes()


def test_it_refuses_a_chunk_of_another_size(tmp_path):
    for array in noise((3, 40, 50), 256).astype("u1"), movie((4, 48, 66)):
        stored = store(tmp_path / "test.h5", array)
        assert stored[24] in (reference.AS_IT_IS, reference.CODED)
        with pytest.raises(ValueError, match="expected"):
            reference.decode(stored, array.nbytes + 1)


def test_numbers_and_constants_have_one_form():
    assert reference.Reader(b"\xff" * 9 + b"\x01", 0).varint() == 2**64 - 1
    for longer in b"\x81\x00", b"\x80\x80\x00", b"\xff" * 9 + b"\x02":
        with pytest.raises(ValueError, match="a number"):
            reference.Reader(longer, 0).varint()
    # 1 × 1 × 1 × 1 bytes, offset 0, no table, a plane of 3 bits that is 8 everywhere.
    header = bytes([1, 0, 1, 1, 1, 1, 0, 0, 1, 3, 8])
    with pytest.raises(ValueError, match="constant 8"):
        reference.read_header(bytes(24) + header)


@pytest.mark.parametrize("dtype", ["u1", "u2", "i4"])
def test_it_decodes_the_originals_layout(dtype, tmp_path):
    array = movie((4, 48, 66), dtype, 100)
    stored = store(tmp_path / "test.h5", array, 0, 0, 0, 0, 1)
    assert stored[:8] == array.nbytes.to_bytes(8, "little")
    assert reference.decode(stored) == array.tobytes()


@pytest.mark.parametrize("path", sorted(LEGACY.glob("*.h5")), ids=lambda path: path.stem)
def test_it_decodes_what_the_original_wrote(path):
    with h5py.File(path) as file:
        if file["h264"].id.get_create_plist().get_nfilters() > 1:
            pytest.skip("has other filters, which the reference decoder does not know")
        np.testing.assert_array_equal(reference.read_dataset(file["h264"]), file["expected"][...])


@pytest.mark.parametrize("folder, line", KEPT_CHUNKS)
def test_it_decodes_the_chunks_that_are_kept(folder, line):
    xxhash = pytest.importorskip("xxhash")
    name, chunk_hash, *_ = line.split(" | ")
    chunk = reference.decode((folder / name).read_bytes())
    assert xxhash.xxh3_128_hexdigest(chunk) == chunk_hash


def test_a_chunk_of_plain_frames_ends_with_the_movie(tmp_path):
    array = movie((4, 48, 66))
    stored = store(tmp_path / "test.h5", array)
    stream = stored[-sum(header_of(stored).access_unit_bytes) :]
    assert stream.startswith(b"\0\0\0\1")
    assert reference.decode_video(stream, "-pix_fmt", "gray").tobytes() == array.tobytes()


def test_it_decodes_the_example_of_the_specification():
    text = (DOCS / "format.md").read_text(encoding="utf-8")
    stored = bytes.fromhex("".join(re.findall(r"^    [0-9a-f]{4}  (.*)$", text, re.MULTILINE)))
    assert len(stored) == 224
    chunk = np.frombuffer(reference.decode(stored), ">i4")
    assert chunk.shape == (256,) and chunk[:4].tolist() == [1000, 1516, 1512, 1517]


def test_it_finds_damage_by_the_checksums(tmp_path):
    pytest.importorskip("xxhash")
    stored = bytearray(store(tmp_path / "test.h5", movie((4, 48, 66))))
    stored[-10] ^= 1
    with pytest.raises(ValueError, match="checksum"):
        reference.decode(bytes(stored))


def test_it_refuses_newer_versions_and_other_filters(tmp_path):
    stored = store(tmp_path / "test.h5", movie((4, 48, 66)))
    with pytest.raises(ValueError, match="version 3"):
        reference.decode(stored[:7] + b"\3" + stored[8:])
    with pytest.raises(ValueError, match="not written by h5h264"):
        reference.decode(bytes(range(100)))


def test_as_a_program_it_reads_a_dataset(tmp_path):
    array = noisy_movie((7, 50, 70))
    with h5py.File(tmp_path / "test.h5", "w") as file:
        file.create_dataset("frames", data=array, chunks=(3, 32, 48), compression=FILTER_ID)
    command = [sys.executable, DOCS / "reference_decoder.py", "test.h5", "frames", "out.npy"]
    # Without the plugin.
    subprocess.run(command, cwd=tmp_path, env={"PATH": os.environ["PATH"]}, check=True)
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), array)
