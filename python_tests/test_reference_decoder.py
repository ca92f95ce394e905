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
    pytest.param(index.parent, *line.split(" | ")[:2], id=f"{index.parent.name}/{line.split(' | ')[0]}")
    for folder in ("format-3", "original-layout")
    for index in [ROOT / "tests" / "data" / folder / "index.txt"]
    for line in index.read_text(encoding="utf-8").splitlines()
]


def load(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = sys.modules[path.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


reference = load(DOCS / "reference_decoder.py")
CONSTANT, RAW, VIDEO = reference.CONSTANT, reference.RAW, reference.VIDEO
NOISE, ZSTD = reference.NOISE, reference.ZSTD


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
    header, _ = reference.read_header(stored)
    return header


def codings(header):
    return [plane.coding for plane in header.planes]


def has_wide_words(header):
    n_bits, _ = reference.word_bits(header)
    return n_bits > 16


def movie(shape, dtype="u1", top=200):
    """Smooth frames with values from 0 to `top` that move a little from one to the next."""
    n_frames, height, width = shape
    t, y, x = np.ogrid[:n_frames, :height, :width]
    wave = np.sin((x + 2 * t) / 17) + np.cos((y - t) / 23)
    return np.round((wave + 2) / 4 * top).astype(dtype)


def noise(shape, top, seed=1):
    return np.random.default_rng(seed).integers(0, top, shape)


def noisy_movie(shape, dtype="u2", top=64):
    """Smooth frames with noise below `top`, and too many values for a table."""
    return (movie(shape, "i8", 5000) + noise(shape, top)).astype(dtype)


def flat_areas(shape, top, seed=2):
    """Frames of large areas that are the same but for a little noise: the best of H.264."""
    n_frames, height, width = shape
    areas = noise((1, -(-height // 32), -(-width // 32)), top, seed)
    areas = np.kron(areas, np.ones((1, 32, 32), "i8"))[:, :height, :width]
    return np.repeat(areas, n_frames, axis=0)


# What is stored, how it looks in the header: (array, options, condition on the header).
MOVIE = (0, 0, 0, 0, 2)
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
        MOVIE,
        lambda h: (
            [(p.bits, p.coding) for p in h.planes] == [(8, VIDEO)]
            and (h.mapping, h.offset, h.table) == (reference.INTEGER, 0, [])
            and len(h.access_unit_bytes) == 5
        ),
    ),
    "movie of bytes, CABAC": (
        lambda: movie((5, 48, 65)),
        (0, 0, 0, 5, 2),
        lambda h: codings(h) == [VIDEO],
    ),
    "movie of bytes, slices": (
        lambda: movie((2, 512, 513)),
        MOVIE,
        lambda h: codings(h) == [VIDEO] and h.strip_height == 512,
    ),
    "noise": (
        lambda: noisy_movie((4, 50, 70)) + 3000,
        (),
        lambda h: codings(h) == [NOISE] and h.offset != 0 and not has_wide_words(h),
    ),
    "noise of one frame": (
        lambda: noisy_movie((1, 50, 70)),
        (),
        lambda h: codings(h) == [NOISE] and len(h.noise.predictors) == 1,
    ),
    "noise in rows that states do not divide": (
        lambda: noisy_movie((4, 51, 71)),
        (),
        lambda h: codings(h) == [NOISE] and h.shape[2] % reference.N_STATES,
    ),
    "noise in contexts": (
        lambda: (
            np.random.default_rng(3).poisson(movie((4, 160, 170), "f8", 3000) ** 2 / 9000 + 1).astype("u2")
        ),
        (),
        lambda h: NOISE in codings(h) and len(h.noise.tables) > 4,
    ),
    "noise with large residuals": (
        lambda: (noisy_movie((4, 50, 70)) + 20000 * (noise((4, 50, 70), 300) == 0)).astype("u2"),
        (),
        lambda h: NOISE in codings(h) and max(map(len, h.noise.tables)) > 16,
    ),
    "noise of many bits": (
        lambda: noisy_movie((4, 50, 70), "u4", 1 << 20),
        (),
        lambda h: codings(h) == [NOISE] and has_wide_words(h),
    ),
    "noise of components": (
        lambda: colours(noisy_movie((3, 50, 71)), 3),
        (),
        lambda h: codings(h) == [NOISE] and h.shape[3] == 3 and len(h.noise.predictors) == 4,
    ),
    "noise in a single row": (
        lambda: (9 * np.arange(1009) + np.random.default_rng(5).integers(0, 9, 1009)).astype("u2"),
        (),
        lambda h: codings(h) == [NOISE] and h.shape == (1, 1, 1009, 1),
    ),
    "noise in strips": (
        lambda: noisy_movie((2, 521, 515)),
        (),
        lambda h: NOISE in codings(h) and h.strip_height < 521,
    ),
    "noise of components in strips": (
        lambda: colours(noisy_movie((2, 321, 212)), 3),
        (),
        lambda h: NOISE in codings(h) and h.strip_height < 321 and h.shape[3] == 3,
    ),
    "picture above noise": (
        lambda: (flat_areas((4, 128, 160), 200) * 256 + noise((4, 128, 160), 200)).astype("u2"),
        (),
        lambda h: codings(h) == [NOISE, VIDEO] and not has_wide_words(h),
    ),
    "picture above noise of many bits": (
        lambda: (flat_areas((4, 128, 160), 200) * 2**20 + noise((4, 128, 160), 2**19)).astype("u4"),
        (),
        lambda h: codings(h) == [NOISE, VIDEO] and has_wide_words(h),
    ),
    "picture above noise in strips": (
        lambda: (flat_areas((2, 521, 513), 200) * 256 + noise((2, 521, 513), 200)).astype("u2"),
        (),
        lambda h: codings(h) == [NOISE, VIDEO] and h.strip_height < 521,
    ),
    "pictures of components above noise": (
        lambda: colours(flat_areas((3, 130, 161), 200) * 256 + noise((3, 130, 161), 200), 3).astype("u2"),
        (),
        lambda h: codings(h) == [NOISE, VIDEO] and not h.is_rgb and h.shape[3] == 3,
    ),
    "raw bits below noise": (
        lambda: movie((3, 50, 70), "f8", 60) / 7 + noise((3, 50, 70), 1 << 40) / 2**42 + 1000,
        (),
        lambda h: {RAW, NOISE} <= set(codings(h)),
    ),
    "raw planes of bits that don't fill bytes": (
        lambda: noise((3, 51, 71), 2048).astype("u2"),
        (),
        lambda h: codings(h)[-1] == RAW and h.planes[-1].bits % 8 and 51 * 71 * h.planes[-1].bits % 8,
    ),
    "constant low bits": (
        lambda: noisy_movie((4, 50, 70)) << 4,
        (),
        lambda h: codings(h)[0] == CONSTANT and NOISE in codings(h),
    ),
    "what repeats": (
        lambda: np.tile(noise((1, 8, 50), 2**62), (3, 10, 1)),
        (),
        lambda h: set(codings(h)) == {ZSTD} and h.planes[0].bits > 32,
    ),
    "what repeats, in components": (
        lambda: np.tile(noise((4, 5, 50, 3), 2**15), (1, 8, 1, 1)).astype("u2"),
        (),
        lambda h: set(codings(h)) == {ZSTD} and h.shape[3] == 3,
    ),
    "signed integers": (
        lambda: noisy_movie((4, 50, 70), "i2") - np.int16(2000),
        (),
        lambda h: h.offset >= 1 << 15 and NOISE in codings(h),
    ),
    "signed bytes": (
        lambda: (movie((4, 50, 70), "i2") - 100 + noise((4, 50, 70), 20)).astype("i1"),
        (),
        lambda h: h.offset == 128 and NOISE in codings(h),
    ),
    "movie of signed bytes": (
        lambda: (movie((4, 50, 70), "i2") - 100).astype("i1"),
        MOVIE,
        lambda h: h.offset == 0 and codings(h) == [VIDEO],
    ),
    "bool": (
        lambda: movie((4, 50, 70)) > 100,
        (),
        lambda h: (h.sample_bytes, h.shape) == (1, (4, 50, 70, 1)),
    ),
    "big-endian": (
        lambda: noisy_movie((4, 50, 70), ">u2"),
        (),
        lambda h: h.big_endian and h.sample_bytes == 2 and NOISE in codings(h),
    ),
    "few values": (
        lambda: np.array([0, 1, 7, 2**32 - 1], "u4")[movie((4, 50, 70), top=3)],
        (),
        lambda h: h.table == [0, 1, 7, 2**32 - 1],
    ),
    "scaled values": (
        lambda: (movie((4, 50, 70), "u2", 150) + noise((4, 50, 70), 4).astype("u2")) * np.uint16(201),
        (),
        lambda h: len(h.table) > 100 and NOISE in codings(h),
    ),
    "integers in binary16": (
        lambda: (movie((4, 50, 70), "i2", 150) - 100 + noise((4, 50, 70), 40)).astype("f2"),
        (),
        lambda h: h.mapping == reference.INTEGRAL_FLOAT and h.sample_bytes == 2 and NOISE in codings(h),
    ),
    "integers in binary32": (
        lambda: (noisy_movie((4, 50, 70), "i4") - 2000).astype("f4"),
        (),
        lambda h: h.mapping == reference.INTEGRAL_FLOAT and h.sample_bytes == 4 and NOISE in codings(h),
    ),
    "integers in big-endian binary64": (
        lambda: (noisy_movie((4, 50, 70), "i8") - 2**52).astype(">f8"),
        (),
        lambda h: h.mapping == reference.INTEGRAL_FLOAT and h.sample_bytes == 8 and NOISE in codings(h),
    ),
    **{
        f"ordered floats with NaN, infinities and -0.0, {dtype}": (
            lambda dtype=dtype: special(noisy_movie((4, 50, 70), "f8") / 700 + 1, dtype),
            (),
            lambda h: h.mapping in (reference.ORDERED_FLOAT, reference.ROTATED_FLOAT),
        )
        for dtype in ("f2", "f4", ">f4", "f8")
    },
    "floats around zero": (
        lambda: (noisy_movie((4, 50, 70), "f4") * np.where(np.arange(70) % 3, 0.01, -0.01)).astype("f4"),
        (),
        lambda h: h.mapping == reference.ROTATED_FLOAT,
    ),
    "complex": (
        lambda: (noisy_movie((4, 50, 70), "f4") + 1j * noisy_movie((4, 50, 70), "f4")[:, ::-1]).astype("c8"),
        (),
        lambda h: h.shape == (4, 50, 70, 2) and h.mapping == reference.INTEGRAL_FLOAT and NOISE in codings(h),
    ),
    "RGB": (
        lambda: colours(movie((4, 50, 71), top=180), 3),
        MOVIE,
        lambda h: h.is_rgb and h.shape == (4, 50, 71, 3),
    ),
    "RGBA": (
        lambda: colours(movie((4, 50, 71), top=180) + noise((4, 50, 71), 9).astype("u1"), 4),
        (),
        lambda h: h.shape[3] == 4 and NOISE in codings(h),
    ),
    "rows longer than a picture can be": (
        lambda: (flat_areas((1, 32, 16387), 250) * 256 + noise((1, 32, 16387), 200)).astype("u2"),
        (),
        lambda h: h.shape[2] == 16387 and VIDEO in codings(h),
    ),
    "tiny frames under each other": (
        lambda: noisy_movie((300, 4, 20)),
        (),
        lambda h: h.shape == (1, 1200, 20, 1) and NOISE in codings(h),
    ),
    "tiny frames in a row": (
        lambda: noisy_movie((300, 4, 5)),
        (),
        lambda h: h.shape == (1, 300, 20, 1) and NOISE in codings(h),
    ),
    "one dimension": (
        lambda: noisy_movie((1, 1, 6000))[0, 0],
        (),
        lambda h: h.shape == (1, 16, 375, 1) and NOISE in codings(h),
    ),
    "64 bits": (
        lambda: noisy_movie((3, 50, 70), "u8") + np.uint64(2**63),
        (),
        lambda h: h.offset > 2**62 and h.sample_bytes == 8 and NOISE in codings(h),
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


def coded_pictures(path, shape, parts):
    """A chunk of bytes of `shape` (n_frames, height, width, n_components), of which the parts of the
    frames are coded as pictures, each as the plugin codes a plain movie."""
    streams, sizes = b"", ()
    for part in parts:
        stored = store(path, part, *MOVIE)
        header, found = reference.read_header(stored)
        streams, sizes = streams + found.stream, sizes + header.access_unit_bytes
    header = bytes([reference.CODED, 0]) + b"".join(map(varint, (*shape, shape[1])))
    # Offset 0, no table, one plane of 8 bits, gray pictures.
    header += bytes([0, 0, 1, VIDEO, 8, 0]) + varint(len(sizes)) + b"".join(map(varint, sizes))
    return header + streams


def varint(value):
    return bytes([value & 0x7F | 0x80]) + varint(value >> 7) if value >= 0x80 else bytes([value])


def below(*pictures):
    return np.concatenate(pictures, axis=1)


@pytest.mark.parametrize(
    "shape, cut",
    [
        pytest.param((2, 16401, 20, 1), lambda c: c, id="more rows than a picture can have"),
        pytest.param((2, 9000, 20, 2), lambda c: c, id="more rows of all components"),
        pytest.param(
            (2, 9, 16387, 1),
            lambda c: below(c[:, :, :8194], np.pad(c[:, :, 8194:], ((0, 0), (0, 0), (0, 1)))),
            id="longer rows than a picture can have",
        ),
        pytest.param(
            (2, 9, 33000, 2),
            lambda c: below(c[:, :, :11000], c[:, :, 11000:22000], c[:, :, 22000:]),
            id="longer rows of all components",
        ),
    ],
)
def test_it_decodes_frames_that_do_not_fit_pictures(shape, cut, tmp_path):
    xxhash = pytest.importorskip("xxhash")
    n_frames, height, width, n_components = shape
    frames = colours(movie(shape[:3]) // 2, n_components)
    lines = below(*(cut(frames[..., component]) for component in range(n_components)))
    n_parts = 2 if lines.shape[1] > 16384 else 1
    lines = np.pad(lines, ((0, 0), (0, lines.shape[1] % n_parts), (0, 0)))
    parts = np.split(lines, n_parts, axis=1)
    content = coded_pictures(tmp_path / "parts.h5", shape, parts)
    hashed = xxhash.xxh3_64_intdigest(frames.tobytes()).to_bytes(8, "little") + content
    stored = reference.MAGIC + b"\3" + xxhash.xxh3_64_intdigest(hashed).to_bytes(8, "little") + hashed
    assert reference.decode(stored) == frames.tobytes()
    # The plugin takes it in the same way.
    with h5py.File(tmp_path / "test.h5", "w") as file:
        dataset = file.create_dataset(
            "frames", frames.shape, frames.dtype, chunks=frames.shape, compression=FILTER_ID
        )
        dataset.id.write_direct_chunk((0, 0, 0, 0), stored)
    with h5py.File(tmp_path / "test.h5") as file:
        np.testing.assert_array_equal(file["frames"][...], frames)


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
    # 1 × 1 × 1 × 1 bytes, a strip of 1 row, offset 0, no table, a plane of 3 bits that is 8 everywhere.
    header = bytes([1, 0, 1, 1, 1, 1, 1, 0, 0, 1, CONSTANT, 3, 8])
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


@pytest.mark.parametrize("folder, name, chunk_hash", KEPT_CHUNKS)
def test_it_decodes_the_chunks_that_are_kept(folder, name, chunk_hash):
    xxhash = pytest.importorskip("xxhash")
    chunk = reference.decode((folder / name).read_bytes())
    assert xxhash.xxh3_128_hexdigest(chunk) == chunk_hash


def test_a_chunk_of_plain_frames_ends_with_the_movie(tmp_path):
    array = movie((4, 48, 66))
    stored = store(tmp_path / "test.h5", array, *MOVIE)
    stream = stored[-sum(header_of(stored).access_unit_bytes) :]
    assert stream.startswith(b"\0\0\0\1")
    assert reference.decode_video(stream, "-pix_fmt", "gray").tobytes() == array.tobytes()


def example_of_the_specification():
    text = (DOCS / "format.md").read_text(encoding="utf-8")
    return text, bytes.fromhex("".join(re.findall(r"^    [0-9a-f]{4}  (.*)$", text, re.MULTILINE)))


def test_it_decodes_the_example_of_the_specification():
    text, stored = example_of_the_specification()
    assert len(stored) == 195
    chunk = np.frombuffer(reference.decode(stored), ">u2")
    assert chunk.shape == (400,) and chunk[:4].tolist() == [1004, 1008, 1012, 1012]
    (frequencies,) = header_of(stored).noise.tables
    assert f"All frequencies are {', '.join(map(str, frequencies))}." in " ".join(text.split())


@pytest.mark.parametrize(
    "position, byte, message",
    [
        (0x18, 4, "content of kind 4"),
        (0x19, 0x21, "mapping 4"),
        (0x1A, 0, "frames of shape"),
        (0x1E, 19, "strips of 19 rows"),
        (0x23, 5, "a plane of coding 5"),
        (0x24, 0, "a plane of coding 0 and 0 bits"),
        (0x24, 9, "a plane of coding 0 and 9 bits"),
        (0x25, 4, "constant 4"),
        (0x27, 33, "a plane of coding 3 and 33 bits"),
        (0x27, 15, "planes of 17 bits"),
        (0x2A, 0xFF, "weights of over 16"),
        (0x36, 0, "0 token tables"),
        (0x36, 17, "17 token tables"),
        (0x37, 23, "a string of bits|the chunk is truncated"),
        (0x38, 0x7F, "a table of 128 tokens"),
        (0x39, 0xCB, "a table of 22 tokens"),
        (0x50, 0x6B, "bytes follow the chunk"),
        (0x54, 0, "a state that does not exist"),
        (0xBD, 0x0F, "the tokens are truncated"),
    ],
)
def test_it_refuses_what_the_plugin_refuses(position, byte, message, tmp_path):
    xxhash = pytest.importorskip("xxhash")
    _, stored = example_of_the_specification()
    damaged = bytearray(stored)
    damaged[position] = byte
    if position == 0x54:
        damaged[0x55] = 0
    damaged[8:16] = xxhash.xxh3_64_intdigest(damaged[16:]).to_bytes(8, "little")
    with pytest.raises(ValueError, match=message):
        reference.decode(bytes(damaged))
    with h5py.File(tmp_path / "test.h5", "w") as file:
        dataset = file.create_dataset("frames", (1, 20, 20), ">u2", chunks=(1, 20, 20), compression=FILTER_ID)
        dataset.id.write_direct_chunk((0, 0, 0), stored)
        assert dataset[0, 0, 0] == 1004
    with h5py.File(tmp_path / "test.h5", "a") as file:
        file["frames"].id.write_direct_chunk((0, 0, 0), bytes(damaged))
    with h5py.File(tmp_path / "test.h5") as file, pytest.raises(OSError, match="damaged|checksum"):
        file["frames"][...]


def test_it_finds_damage_by_the_checksums(tmp_path):
    pytest.importorskip("xxhash")
    stored = bytearray(store(tmp_path / "test.h5", movie((4, 48, 66))))
    stored[-10] ^= 1
    with pytest.raises(ValueError, match="checksum"):
        reference.decode(bytes(stored))


def test_it_refuses_newer_versions_and_other_filters(tmp_path):
    stored = store(tmp_path / "test.h5", movie((4, 48, 66)))
    for version in 2, 4:
        with pytest.raises(ValueError, match=f"version {version}"):
            reference.decode(stored[:7] + bytes([version]) + stored[8:])
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
