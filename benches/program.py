"""Seconds that the program takes for what other programs do, too, or for what it would take without its short cuts.

Each round runs all of them one after the other; what is printed is the best of the rounds, which was least
disturbed. Files are in the page cache; times are those of whole processes.

    scripts/bench-program [ROUNDS [FOLDER]]
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = Path(os.environ.get("CARGO_BIN_EXE_h5h264", ROOT / "crates/cli/target/release/h5h264"))
FILTER_ID = 32010
N, HEIGHT, WIDTH, CHUNK = 300, 512, 512, 10
ONE_THREAD = {"H5H264_THREADS": "1"}


def movie(dtype):
    """A spot that moves, with noise."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    spot = 1000 * np.exp(-((x - WIDTH / 2) ** 2 + (y - HEIGHT / 2) ** 2) / (WIDTH**2 / 20))
    rng = np.random.default_rng(0)
    scale = 8 if dtype == "u1" else 1
    for i in range(N):
        yield ((np.roll(spot, (i, 2 * i), (0, 1)) + rng.normal(100, 8, spot.shape)) / scale).clip(0).astype(dtype)


def write(path, frames, compression=None, options=None):
    with h5py.File(path, "w") as file:
        chunks = (CHUNK, HEIGHT, WIDTH)
        dataset = file.create_dataset(
            "frames", (len(frames), HEIGHT, WIDTH), frames[0].dtype, chunks=chunks,
            compression=compression, compression_opts=options,
        )  # fmt: skip
        for i in range(0, len(frames), CHUNK):
            dataset[i : i + CHUNK] = np.array(frames[i : i + CHUNK])


def filter_of(path):
    """The dataset's only filter as h5repack wants it."""
    with h5py.File(path) as file:
        _, _, cd_values, _ = file["frames"].id.get_create_plist().get_filter(0)
    return f"frames:UD={FILTER_ID},0,{len(cd_values)}," + ",".join(map(str, cd_values))


def repacking(source):
    """Seconds to compress a file: (what, command, environment)."""
    for name, arguments in (("gzip", ["--filter", "gzip"]), ("ours", []), ("ours, superfast", ["--preset", "superfast"])):
        command = [PROGRAM, "repack", source, "out.h5", *arguments]
        yield f"{name}: repack", command, {}
        yield f"{name}: repack --no-verify", [*command, "--no-verify"], {}
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        tool = ["h5repack", "-f"]
        if name == "gzip":
            yield f"{name}: h5repack", [*tool, "frames:SHUF", "-f", "frames:GZIP=4", source, "tool.h5"], {}
            continue
        tool += [filter_of("out.h5"), source, "tool.h5"]
        yield f"{name}: h5repack, one thread", tool, ONE_THREAD
        yield f"{name}: h5repack", tool, {}


def merging(frames):
    for name, options in ("default", None), ("superfast", (0, 0, 0, 2)):
        write(f"{name}.h5", frames, FILTER_ID, options)
        write(f"{name}-short.h5", frames[: N - CHUNK // 2], FILTER_ID, options)
        for how, first in ("chunks copied", f"{name}.h5"), ("the second file encoded again", f"{name}-short.h5"):
            yield f"{name}: {how}", [PROGRAM, "merge", "--inputs", f"{first},{name}.h5", "--output", "merged.h5"], {}


def exporting(frames):
    write("stored.h5", frames, FILTER_ID)
    write("plain.h5", frames)
    for kind in "mp4", "mkv":
        for how, source in ("chunks copied", "stored.h5"), ("encoded", "plain.h5"):
            yield f".{kind}: {how}", [PROGRAM, "export", f"{source}:/frames", f"out.{kind}"], {}


def seconds(command, environment):
    for output in "out.h5", "tool.h5", "merged.h5", "out.mp4", "out.mkv":
        Path(output).unlink(missing_ok=True)
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, **environment})
    return time.perf_counter() - start


def report(title, works, rounds):
    works = list(works)
    times = [[seconds(command, environment) for _, command, environment in works] for _ in range(rounds)]
    print(f"\n| {title} | seconds |\n| --- | --: |")
    for i, (what, *_) in enumerate(works):
        print(f"| {what} | {min(round_[i] for round_ in times):.2f} |")


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    folder = sys.argv[2] if len(sys.argv) > 2 else None
    with tempfile.TemporaryDirectory(dir=folder) as folder:
        os.chdir(folder)
        print(f"{N} frames of {HEIGHT} x {WIDTH}, {CHUNK} in a chunk; best of {rounds} rounds")
        for dtype in "u2", "u1":
            frames = list(movie(dtype))
            write("source.h5", frames)
            report(f"compress, uint{8 * frames[0].itemsize}", repacking("source.h5"), rounds)
            if dtype == "u2":
                report("merge two files, uint16", merging(frames), rounds)
            else:
                report("export, uint8", exporting(frames), rounds)


if __name__ == "__main__":
    main()
