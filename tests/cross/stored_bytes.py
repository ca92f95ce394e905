"""Are the stored bytes of some sequences the same on all processors and systems?

    stored_bytes.py hashes            prints what is stored for each sequence, as hashes
    stored_bytes.py write FILE        writes the sequences, through the filter and as they are
    stored_bytes.py compare FILE...   reads files that `write` has made anywhere; fails unless they read back as the
                                      sequences, and their chunks are byte for byte what is written here
"""

import hashlib
import sys

import h5h264
import h5py
import numpy as np
from h5h264 import H264

N_FRAMES, HEIGHT, WIDTH = 8, 120, 200
SHAPE = (N_FRAMES, HEIGHT, WIDTH)
DTYPES = "u1 i1 <u2 >u2 <i2 <u4 >i4 <i4 <u8 <i8 <f2 <f4 >f4 <f8 <c8".split()


def draw(shape, end, seed=1):
    """Numbers from 0 to `end` - 1. Nothing here takes a function of the C library, so that all systems get the same."""
    return np.random.Generator(np.random.PCG64(seed)).integers(0, end, shape)


def movie(shape=SHAPE, noise=16):
    """Rings that move, with noise."""
    t, y, x = np.ogrid[: shape[0], : shape[1], : shape[2]]
    return (x * x + y * y + 90 * t) // 64 + draw(shape, noise)


def sequences():
    """(name, frames, options): each kind of coding, every preset and layout."""
    for dtype in DTYPES:
        yield f"type {dtype}", movie().astype(dtype), H264()
    for preset in ("ultrafast", "veryfast"):
        yield f"preset {preset}", movie(noise=50).astype("<u2"), H264(preset)
    # In these layouts, everything is H.264: each decision of x264 is in the bytes.
    for preset in h5h264.PRESETS:
        yield f"movie {preset}", (movie(noise=4) // 2).astype("u1"), H264(preset, layout="movie")
        yield f"original {preset}", (movie() * 3).astype("<u2"), H264(preset, layout="original")
    yield "colour", draw((*SHAPE, 3), 9).astype("u1") + (movie(noise=1) // 8).astype("u1")[..., None], H264("fast")
    yield "constant", np.full(SHAPE, 1234, "<u2"), H264()
    yield "random", draw(SHAPE, 2**16).astype("<u2"), H264("medium")
    yield "few photons", (draw(SHAPE, 200) == 0) * draw(SHAPE, 3, seed=2).astype("<u2"), H264("superfast")
    yield "bits", movie() % 128 > 64, H264()
    yield "repeated", np.tile(draw((1, 60, 60), 2**16).astype("<u2"), (N_FRAMES, 2, 2)), H264()
    yield "steps", (movie(noise=4) // 8 * 37 + 5).astype("<i4"), H264()
    yield "quarters", (movie(noise=400) / 4).astype("<f4"), H264("superfast")
    yield "calibrated", (movie(noise=90) - draw((HEIGHT, WIDTH), 30)).astype("<f4") * np.float32(0.8125), H264()
    with_nan = movie().astype("<f8") / 3
    with_nan[draw(SHAPE, 50, seed=3) == 0] = np.nan
    yield "with NaN", with_nan, H264("veryfast")
    yield "any float", draw(SHAPE, 2**32).astype("<u4").view("<f4"), H264()
    yield "odd", movie((5, 17, 33)).astype("<u2"), H264("slow")
    yield "large", movie((3, 600, 901), noise=50).astype("<u2"), H264("faster")
    yield "numbers in a row", movie().astype("<i2").reshape(-1), H264()


def write(file):
    for name, frames, options in sequences():
        # The last chunk has fewer frames in the dataset than it stores.
        chunks = (min(3, len(frames)), *frames.shape[1:]) if frames.ndim > 1 else (len(frames) // 3,)
        file.create_dataset(f"stored/{name}", data=frames, chunks=chunks, compression=options)
        file[f"expected/{name}"] = frames
    file["raw"], file["calib"] = file["expected/type <u2"][()], draw((2, HEIGHT, WIDTH), 300).astype("<f4")
    view = h5h264.calib.create_processed(file, SHAPE, name="stored/view", chunks=3)
    file["expected/view"] = view[()]


def stored(dataset):
    """The bytes of each chunk. Fails if the filter was left out. There are none of the view, whose chunks name the file."""
    if dataset.name.endswith("/view"):
        return
    for i in range(dataset.id.get_num_chunks()):
        mask, chunk = dataset.id.read_direct_chunk(dataset.id.get_chunk_info(i).chunk_offset)
        assert mask == 0, dataset.name
        yield chunk


def compare(own, other):
    """How many chunks there are."""
    n_chunks = 0
    assert set(other["stored"]) == set(own["stored"])
    for name, there in other["stored"].items():
        dataset = own["stored"][name]
        expected = np.ascontiguousarray(own["expected"][name][()])
        for frames in (dataset[()], there[()]):
            assert frames.dtype == expected.dtype and frames.tobytes() == expected.tobytes(), name
        chunks = list(stored(dataset))
        assert chunks == list(stored(there)), f"{name}: the stored bytes are not the same"
        n_chunks += len(chunks)
    return n_chunks


def main(command, *paths):
    with h5py.File("own", "w", driver="core", backing_store=False) as own:
        write(own)
        if command == "hashes":
            sys.stdout.reconfigure(newline="\n")
            for name, dataset in own["stored"].items():
                print(name, hashlib.sha256(b"".join(stored(dataset))).hexdigest(), sep="\t")
        elif command == "write":
            with h5py.File(paths[0], "w") as file:
                write(file)
        elif command == "compare":
            for path in paths:
                with h5py.File(path) as other:
                    n_chunks = compare(own, other)
                    print(f"{path}: {len(other['stored'])} sequences read back, {n_chunks} stored chunks are the same")
        else:
            sys.exit(f"{command} is no command (expected hashes, write or compare)")


if __name__ == "__main__":
    main(*sys.argv[1:])
