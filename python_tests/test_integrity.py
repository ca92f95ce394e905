"""Stored bytes that are not those that were written give an error that names the cause, and
nothing else is lost."""

import hashlib

import h5py
import numpy as np
import pytest
import xxhash

from support import FILTER_ID, check_stored, create, movie, noise, same_bytes, stored_chunks, write


def first_stored(dataset):
    return next(stored_chunks(dataset))[2]


def read_error(dataset, frame):
    with pytest.raises(OSError) as caught:
        dataset[frame]
    return str(caught.value)


def write_damaged(path, frame, damages, **kwargs):
    """A file in which chunk i holds what `damages(stored)[i]` makes of the stored `frame`."""
    with h5py.File(path, "w") as file:
        stored = first_stored(create(file, frame[np.newaxis], name="original", **kwargs))
        damaged = damages(stored)
        dataset = file.create_dataset(
            "frames",
            (len(damaged), *frame.shape),
            frame.dtype,
            chunks=(1, *frame.shape),
            compression=FILTER_ID,
            compression_opts=kwargs.get("options"),
        )
        for i, chunk in enumerate(damaged):
            dataset.id.write_direct_chunk((i,) + (0,) * frame.ndim, chunk)
        return stored


KINDS = {
    "raw": noise((16, 20), "u1"),
    "video": np.kron(movie((4, 4), "u1"), np.ones((5, 6), "u1")),
    "planes": movie((16, 20), "<u2") * 16 + noise((16, 20), "<u2") % 16,
    "table": np.array([0, 7, 1000, 2**31], "<u4")[movie((16, 20), "u1") % 4],
    "constant": np.full((16, 20), 3.5),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_flipped_bit_is_an_error(path, kind):
    def flip_each(stored):
        return [
            bytes(byte ^ (1 << bit) if i == position else byte for i, byte in enumerate(stored))
            for position in range(len(stored))
            for bit in range(8)
        ]

    write_damaged(path, KINDS[kind], flip_each)
    with h5py.File(path) as file:
        for i in range(len(file["frames"])):
            assert "h5h264: " in read_error(file["frames"], i), i
        assert same_bytes(file["original"][0], KINDS[kind])


@pytest.mark.parametrize("kind", KINDS)
def test_every_truncation_is_an_error(path, kind):
    # HDF5 itself refuses chunks of no bytes.
    write_damaged(path, KINDS[kind], lambda stored: [stored[:n] for n in range(1, len(stored))])
    with h5py.File(path) as file:
        for i in range(len(file["frames"])):
            assert "h5h264: " in read_error(file["frames"], i), i


@pytest.mark.parametrize("kind", KINDS)
def test_bytes_too_many_are_an_error(path, kind):
    write_damaged(path, KINDS[kind], lambda stored: [stored + bytes(n) for n in (1, 2, 1000)])
    with h5py.File(path) as file:
        for i in range(len(file["frames"])):
            assert "damaged chunk: " in read_error(file["frames"], i)


def test_the_cause_is_named(path):
    frame = movie((32, 40), "<u2")
    causes = {
        "do not have the checksum": lambda s: s[:100] + bytes([s[100] ^ 4]) + s[101:],
        "it has 20 bytes (expected more than 24)": lambda s: s[:20],
        "format version 4, which a newer h5h264 wrote (this one reads up to version 3)": lambda s: (
            s[:7] + b"\4" + s[8:]
        ),
        "format version 200, which a newer h5h264": lambda s: s[:7] + b"\xc8" + s[8:],
        "format version 2 (expected 3; no release wrote an older one)": lambda s: s[:7] + b"\2" + s[8:],
        "also registered for LPC-Rice": lambda s: b"\x55" * len(s),
        "was not written by this filter": lambda s: frame.tobytes(),
    }
    write_damaged(path, frame, lambda stored: [cause(stored) for cause in causes.values()])
    with h5py.File(path) as file:
        for i, sentence in enumerate(causes):
            assert sentence in read_error(file["frames"], i)


def with_right_checksum(stored):
    """Makes the checksum of the stored bytes right, for damage that it should not hide."""
    return stored[:8] + xxhash.xxh3_64_intdigest(stored[16:]).to_bytes(8, "little") + stored[16:]


def test_both_checksums_are_xxh3(path):
    frame = movie((32, 40), "<u2")
    stored = write_damaged(path, frame, lambda stored: [stored])
    assert with_right_checksum(stored) == stored
    assert stored[16:24] == xxhash.xxh3_64_intdigest(frame.tobytes()).to_bytes(8, "little")


def test_a_wrong_picture_is_an_error(path):
    """The stored bytes are whole, but do not decode to what the chunk was made from."""
    frame = movie((32, 40), "<u2")
    write_damaged(path, frame, lambda s: [with_right_checksum(s[:16] + bytes(8) + s[24:])])
    with h5py.File(path) as file:
        error = read_error(file["frames"], 0)
        assert f"its decoded {frame.nbytes} bytes do not have the checksum" in error


def test_random_damage_of_large_chunks_under_a_right_checksum(path):
    """Damage that gets past the first checksum meets libavcodec: an error, or the same pixels."""
    random = np.random.default_rng(0)
    frame = movie((200, 300), "<u2")

    def damages(stored):
        for _ in range(300):
            damaged = bytearray(stored)
            for _ in range(random.integers(1, 4)):
                damaged[random.integers(24, len(damaged))] = random.integers(256)
            yield with_right_checksum(bytes(damaged))

    write_damaged(path, frame, lambda stored: list(damages(stored)))
    with h5py.File(path) as file:
        n_errors = 0
        for i in range(len(file["frames"])):
            try:
                assert same_bytes(file["frames"][i], frame)
            except OSError as error:
                assert "h5h264: damaged chunk" in str(error)
                n_errors += 1
        assert n_errors > 250


@pytest.mark.parametrize("side", [32, 1024])
def test_a_chunk_of_another_size_is_an_error(path, side):
    """Even if the process knows what the chunk decodes to, because it has read it elsewhere."""
    frame = movie((side, side), "<u2")
    with h5py.File(path, "w") as file:
        stored = first_stored(create(file, frame, name="original"))
        for n_columns in (side // 2, 2 * side):
            shape = (side, n_columns)
            other = file.create_dataset(f"{n_columns}", shape, "<u2", chunks=shape, compression=FILTER_ID)
            other.id.write_direct_chunk((0, 0), stored)
    with h5py.File(path) as file:
        for _ in range(2):
            assert same_bytes(file["original"][()], frame)
            for n_columns in (side // 2, 2 * side):
                expected = f"it decodes to {frame.nbytes} bytes (expected {2 * side * n_columns}, "
                assert expected in read_error(file[f"{n_columns}"], 0)


def test_damage_in_chunks_of_the_originals_layout(path):
    """These have no checksum, but what libavcodec can't make whole pictures of is an error."""
    frame = movie((64, 80), "u1")
    options = (0, 0, 0, 0, 1)
    cuts = (1, 7, 8, 9, 12, 20, 60, 300)
    write_damaged(path, frame, lambda stored: [stored[:n] for n in cuts] + [stored[:-30]], options=options)
    with h5py.File(path) as file:
        for i in range(len(file["frames"])):
            assert "h5h264: " in read_error(file["frames"], i)


def test_a_failed_read_leaves_file_and_other_chunks_as_they_are(path):
    frames = movie((5, 64, 80), "<u2")
    write(path, frames, chunks=(1, 64, 80))
    with h5py.File(path, "a") as file:
        dataset = file["frames"]
        stored = bytearray(first_stored(dataset))
        stored[200] ^= 1
        dataset.id.write_direct_chunk((2, 0, 0), bytes(stored))
    before = hashlib.sha256(path.read_bytes()).digest()
    with h5py.File(path) as file:
        dataset = file["frames"]
        for _ in range(3):
            assert "checksum" in read_error(dataset, 2)
            with pytest.raises(OSError, match="checksum"):
                dataset[()]
            for t in (0, 1, 3, 4):
                assert same_bytes(dataset[t], frames[t])
    assert hashlib.sha256(path.read_bytes()).digest() == before
    # It can be repaired by writing the frame again.
    with h5py.File(path, "a") as file:
        file["frames"][2] = frames[2]
    with h5py.File(path) as file:
        check_stored(file["frames"])
        assert same_bytes(file["frames"][()], frames)
