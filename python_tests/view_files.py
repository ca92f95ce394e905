"""The files that `h5h264 view` is tested with: `python view_files.py FOLDER` writes them all."""

import json
import sys
from pathlib import Path

import h5py
import numpy as np

FILTER_ID = 32010
FRAMES = (60, 64, 96)
LARGE = (8192, 512, 512)
DAMAGED_CHUNK = 2
N_MANY = 10_000


def frames(shape=FRAMES, seed=1):
    """uint16 frames of a spot that moves, with noise."""
    n, height, width = shape
    y, x = np.ogrid[:height, :width]
    rng = np.random.default_rng(seed)
    spots = [2000 * np.exp(-((x - width / 4 - t) ** 2 + (y - height / 2) ** 2) / (4 * height)) for t in range(n)]
    return rng.poisson(100 + np.array(spots)).astype("uint16")


def write_types(folder):
    """Every kind of type, shape and link."""
    with h5py.File(folder / "other.h5", "w") as file:
        file["inside"] = np.arange(6).reshape(2, 3)
    with h5py.File(folder / "types.h5", "w") as file:
        file.attrs["title"] = "all types"
        numbers = file.create_group("numbers")
        for kind in ("i1", "<i2", ">i2", "<i4", ">i8", "<i8", "u1", "<u2", ">u4", "<u8"):
            numbers[f"int {kind}"] = np.array([[0, 1, 2], [3, 100, 7]], kind)
        numbers["largest"] = np.array([2**64 - 1, 2**63], "u8")
        for kind in ("<f2", ">f2", "<f4", ">f4", "<f8", ">f8"):
            numbers[f"float {kind}"] = np.array([0.1, -2.5, 1e4, np.nan, np.inf], kind)
        numbers["long double"] = np.array([0.25, -3], "longdouble")
        numbers["bool"] = np.array([[True, False], [False, True]])
        numbers["complex64"] = np.array([1 + 2j, -0.5j], "c8")
        numbers["complex >c16"] = np.array([[1 + 2j], [3j]], ">c16")
        enum = h5py.enum_dtype({"RED": 0, "GREEN": 1, "BLUE": 42}, basetype="i")
        numbers.create_dataset("enum", data=np.array([0, 42, 1]), dtype=enum)
        numbers["scalar"] = 42.5
        numbers["scalar int"] = np.int64(-7)
        numbers["empty"] = h5py.Empty("f4")
        for name, size, bits, offset, order in (
            ("int 12 of 16 bits", "i2", 12, 0, "<"),
            ("int >12 of 16 bits from 3", "i2", 12, 3, ">"),
            ("int 20 of 32 bits", "u4", 20, 8, "<"),
        ):
            kind = h5py.h5t.py_create(np.dtype(order + size)).copy()
            kind.set_precision(bits)
            kind.set_offset(offset)
            values = np.array([0, 1, 100, 2047] + ([-1, -2048] if size[0] == "i" else [2**20 - 1, 7]), size)
            dataset = h5py.h5d.create(numbers.id, name.encode(), kind, h5py.h5s.create_simple(values.shape))
            h5py.Dataset(dataset)[:] = values
        numbers["no elements"] = np.zeros((0, 3), "f4")

        texts = file.create_group("texts")
        texts["scalar"] = "grün"
        texts["variable"] = np.array(["a", "", "länger"], dtype=h5py.string_dtype())
        texts["fixed"] = np.array([b"abc", b"", b"de"], "S4")
        texts.create_dataset("ascii", data=b"x", dtype=h5py.string_dtype("ascii", 5))
        texts.create_dataset("fixed, chunked", data=np.array([b"abc", b"", b"de"]), chunks=(2,))
        texts.create_dataset("fixed, gzip", data=np.array([b"abc", b"", b"de"]), chunks=(2,), compression="gzip")
        texts["table"] = np.array([["a", "b"], ["c", "d"]], dtype=h5py.string_dtype())
        texts["empty"] = h5py.Empty(h5py.string_dtype())

        others = file.create_group("others")
        inner = np.dtype([("b", "<i2"), ("c", "f4", (2,))])
        kind = np.dtype([("x", "<f8"), ("name", "S3"), ("inner", inner), ("z", "<c8"), ("flag", "?")])
        rows = np.zeros(3, kind)
        rows["x"], rows["name"], rows["z"] = [0.1, 2, 3], [b"a", b"bc", b"def"], [1j, 2, 3]
        rows["inner"]["b"] = [1, 2, 3]
        others["compound"] = rows
        others["compound scalar"] = rows[1]
        text = h5py.string_dtype()
        mixed = np.array([(1, "one"), (2, "two")], dtype=[("n", "i4"), ("text", text)])
        others["compound with text"] = mixed
        others.create_dataset("array type", (2,), dtype=np.dtype(("i4", (2, 2))))
        sequences = others.create_dataset("sequences", (3,), dtype=h5py.vlen_dtype("i4"))
        sequences[0], sequences[2] = [1, 2, 3], [4]
        others["opaque"] = np.array([b"\x01\x02", b"\x03\x04"], "V2")
        others.create_dataset("reference", data=file["numbers"].ref, dtype=h5py.ref_dtype)
        others["named type"] = np.dtype("<f4")

        links = file.create_group("links")
        links["hard"] = file["numbers/scalar"]
        links["soft"] = h5py.SoftLink("/numbers/scalar")
        links["relative"] = h5py.SoftLink("hard")
        links["soft group"] = h5py.SoftLink("/texts")
        links["broken"] = h5py.SoftLink("/nowhere")
        links["external"] = h5py.ExternalLink("other.h5", "/inside")
        links["external broken"] = h5py.ExternalLink("missing.h5", "/inside")

        attributes = file.create_group("attributes")
        for name, value in {
            "int": 1, "float": 0.1, "text": "ü", "texts": ["a", "b"], "array": np.arange(6.0).reshape(2, 3),
            "empty": h5py.Empty("i4"), "bool": True, "complex": 1 + 2j, "float32": np.float32(0.1),
            "fixed": np.bytes_(b"abc"), "nan": np.nan, "bools": np.array([True, False]),
        }.items():  # fmt: skip
            attributes.attrs[name] = value

        stored = file.create_group("stored")
        stored.create_dataset("gzip", data=frames((7, 30, 40)), chunks=(2, 16, 16), compression="gzip")
        stored.create_dataset(
            "checked", data=frames((7, 30, 40)), chunks=(2, 16, 17), shuffle=True, compression="gzip", fletcher32=True
        )
        stored.create_dataset("ours", data=frames((7, 30, 40)), chunks=(2, 30, 40), compression=FILTER_ID)
        first_layout = (0, 0, 0, 0, 1)
        stored.create_dataset(
            "first layout", data=frames((7, 64, 64)), chunks=(4, 64, 64), compression=FILTER_ID, compression_opts=first_layout
        )
        stored.create_dataset("cut", data=frames((7, 30, 40)), chunks=(3, 17, 40), compression=FILTER_ID)
        stored.create_dataset("unwritten", (7, 30, 40), "u2", chunks=(2, 30, 40), fillvalue=9)
        stored["contiguous"] = frames((7, 30, 40))


def write_movies(folder):
    """A movie with times, and the same with a damaged chunk."""
    data = frames()
    for name in "movie.h5", "damaged.h5":
        with h5py.File(folder / name, "w") as file:
            group = file.create_group("entry")
            group.create_dataset("frames", data=data, chunks=(10, *FRAMES[1:]), compression=FILTER_ID)
            group["timestamps"] = np.arange(len(data)) * 0.125
            group["timestamps"].attrs["units"] = "s"
            group["timestamps_ns"] = 1_700_000_000_000_000_001 + np.arange(len(data)) * 10
            group["timestamps_ns"].attrs["units"] = "ns"
            group["single"] = data[0]
            if name == "damaged.h5":
                offset = (DAMAGED_CHUNK * 10, 0, 0)
                mask, chunk = group["frames"].id.read_direct_chunk(offset)
                broken = bytearray(chunk)
                broken[len(broken) // 2] ^= 0xFF
                group["frames"].id.write_direct_chunk(offset, bytes(broken), mask)


def write_stacks(folder):
    """Frames of all kinds that the player knows, with bad pixels, masks and what attributes say."""
    rng = np.random.default_rng(3)
    gray = frames((12, 40, 50), seed=4)
    with h5py.File(folder / "stacks.h5", "w") as file:
        bad = gray.copy()
        bad[:, 3, 5] = 65535
        bad[4, 20, 30] = 7777
        detector = file.create_group("detector")
        dataset = detector.create_dataset("frames", data=bad, chunks=(5, 16, 50), compression=FILTER_ID)
        dataset.attrs["fps"] = 12.5
        mask = np.zeros((40, 50), "u4")
        mask[10:12, 7] = 1
        detector["pixel_mask"] = mask
        holes = gray.astype("f4")
        holes[2, 5:9, 6:12] = np.nan
        holes[:, 0, 0] = np.nan
        file.create_dataset("holes", data=holes, chunks=(4, 40, 50), compression=FILTER_ID)
        deep = rng.integers(0, 1000, (3, 4, 2, 20, 30)).astype("u2")
        dataset = file.create_dataset("deep", data=deep, chunks=(1, 2, 2, 20, 30), compression=FILTER_ID)
        for dimension, label in zip(dataset.dims, "tzcyx"):
            dimension.label = label
        colours = rng.integers(0, 65536, (5, 16, 24, 3)).astype("u2")
        file.create_dataset("colours", data=colours, chunks=(2, 16, 24, 3), compression=FILTER_ID)
        file.create_dataset("bytes", data=(colours >> 8).astype("u1"), chunks=(2, 16, 24, 3), compression=FILTER_ID)
        large = rng.integers(2**62, 2**63, (3, 6, 7)).astype("u8") * np.uint64(2) + np.uint64(1)
        file.create_dataset("large", data=large, chunks=(1, 6, 7), compression="gzip")
        file["contiguous"] = gray
        file.create_dataset("big endian", data=gray.astype(">i4") - 300, chunks=(3, 40, 50), compression="gzip")


def write_expected(folder):
    """What numpy says of some of the frames, for tests in another language."""
    with h5py.File(folder / "movie.h5") as file:
        data = file["entry/frames"][...]
    with h5py.File(folder / "stacks.h5") as file:
        holes, deep, colours = file["holes"][...], file["deep"][...], file["colours"][...]
        detector, mask = file["detector/frames"][...], file["detector/pixel_mask"][...]
    left, top, width, height = region = (10, 20, 30, 16)
    part = data[:, top : top + height, left : left + width].astype("f8")
    good = np.where(mask == 0, detector.astype("f8"), np.nan)
    expected = {
        "region": region,
        "statistics": {
            name: getattr(np, name)(part, (1, 2)).tolist() for name in ("mean", "sum", "min", "max", "std")
        },
        "projections": {name: getattr(np, name)(data.astype("f8"), 0).tolist() for name in ("mean", "max", "std")},
        "row": data[0, 30].tolist(),
        # Where all are NaN there is no mean.
        "holes_mean": np.nanmean(holes[:, 1:].astype("f8"), 0).tolist(),
        "masked_mean": np.nanmean(good, (1, 2)).tolist(),
        "deep": deep[1, 2, 1].tolist(),
        "max_over_z": deep[1, :, 1].max(0).tolist(),
        "colours": colours[2].tolist(),
    }
    with open(folder / "expected.json", "w") as file:
        json.dump(expected, file)


def write_many(folder):
    """As many datasets as people put into a file."""
    with h5py.File(folder / "many.h5", "w", libver="latest") as file:
        for i in range(N_MANY):
            file.create_dataset(f"dataset{i:05}", data=np.full((2, 2), i))


def write_large(folder):
    """4 GB of frames: a few chunks, again and again."""
    with h5py.File(folder / "large.h5", "w") as file:
        chunk = (16, *LARGE[1:])
        dataset = file.create_dataset("frames", LARGE, "u2", chunks=chunk, compression=FILTER_ID)
        y, x = np.ogrid[:512, :512]
        t = np.arange(64)[:, None, None]
        hits = np.random.default_rng(2).random((64, 512, 512)) < 0.01
        data = ((x + 2 * t) % 512 + y + 1000 * hits).astype("u2")
        dataset[:64] = data
        stored = [dataset.id.read_direct_chunk((i * 16, 0, 0)) for i in range(4)]
        for i in range(4, LARGE[0] // 16):
            mask, payload = stored[i % 4]
            dataset.id.write_direct_chunk((i * 16, 0, 0), payload, mask)


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for write in write_types, write_movies, write_stacks, write_expected, write_many, write_large:
        write(folder)
