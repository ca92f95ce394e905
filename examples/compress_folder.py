"""Compresses the images in all HDF5 files of a folder, checks the new files, and prints what was saved.

    python compress_folder.py raw packed

The program h5h264, which comes with the package, does the work: it copies everything that is not an image, compares every
chunk with the original, and gives a new file its name when it is complete.
"""

import argparse
import json
import subprocess
import tempfile
from pathlib import Path

import h5py
import numpy as np


def h5h264(*arguments):
    """What the program prints as JSON."""
    done = subprocess.run(["h5h264", *map(str, arguments), "--json"], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def compress(source, target):
    h5h264("repack", source, target)
    # Exits with an error, and so raises one here, if a chunk is damaged.
    return h5h264("verify", target)["n_chunks"]


def make_files(folder):
    """Some files to try it with."""
    rng = np.random.default_rng(1)
    for number in range(3):
        with h5py.File(folder / f"run_{number}.h5", "w") as file:
            data = rng.poisson(50, (20, 128, 128)).astype("uint16")
            file.create_dataset("entry/data", data=data, chunks=(1, 128, 128), compression="gzip")
            file["entry/data"].attrs["exposure_s"] = 0.1
            file["entry/title"] = f"run {number}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("source", nargs="?", type=Path, help="folder of HDF5 files [made-up files]")
    parser.add_argument("target", nargs="?", type=Path, default="packed", help="folder for the new files [%(default)s]")
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory() as temporary:
        source = arguments.source or Path(temporary)
        if arguments.source is None:
            make_files(source)
        arguments.target.mkdir(exist_ok=True)
        before = after = 0
        for path in sorted(source.glob("*.h5")):
            target = arguments.target / path.name
            n_chunks = compress(path, target)
            before += path.stat().st_size
            after += target.stat().st_size
            print(f"{path.name}: {path.stat().st_size} → {target.stat().st_size} bytes, {n_chunks} chunks verified")
    if before:
        print(f"in all {1 - after / before:.0%} saved")


if __name__ == "__main__":
    main()
