"""Runs the program h5h264 for the tests of it."""

import signal
import subprocess
from pathlib import Path

import h5py
import numpy as np
import pytest
from support import PROGRAM, TESTS, movie

ROOT = TESTS.parent


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if not PROGRAM.is_file():
        pytest.fail(f"no {PROGRAM} (cargo build --release in crates/cli)")


def take_signals():
    """In the program's process: as in front of a shell. What runs behind one, or under nohup, ignores some."""
    for number in signal.SIGHUP, signal.SIGINT, signal.SIGTERM:
        signal.signal(number, signal.SIG_DFL)


def run(*arguments, status=0, **kwargs):
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, **kwargs)
    assert done.returncode == status, done
    if status == 1:
        assert done.stderr.startswith("h5h264: ") and done.stderr.count("\n") == 1, done.stderr
    return done


def frames(n=20, dtype="u2"):
    return movie((n, 64, 80), dtype)


def write_everything(path):
    """Objects, links and types of all kinds around some datasets of images."""
    with h5py.File("other.h5", "w") as other:
        other["x"] = np.arange(12.0)
    Path("raw.bin").write_bytes(np.arange(100, dtype="f8").tobytes())
    with h5py.File(path, "w", track_order=True) as file:
        file.attrs["title"] = "everything"
        file.attrs["numbers"] = np.arange(5)
        group = file.create_group("zebra", track_order=True)
        images = group.create_dataset("images", data=frames(), chunks=(3, 64, 80), compression="gzip", shuffle=True)
        images.attrs["unit"] = "ADU"
        images.attrs.create("empty", h5py.Empty("f4"))
        file.create_dataset("aardvark", data=frames(7, "f4"), maxshape=(None, 64, 80), fillvalue=np.nan)
        file.create_dataset("big_endian", data=frames(9).astype(">i4"), chunks=(9, 64, 80))
        file.create_dataset("mask", data=frames(3, "?"))
        file.create_dataset("complex", data=frames(3, "c8"))
        sparse = file.create_dataset("sparse", (40, 64, 80), "u2", chunks=(10, 64, 80), fillvalue=7)
        sparse[10:20] = frames(10)
        file["text"] = ["one", "zwei", "三"]
        file.create_dataset("ragged", data=np.array([np.arange(3), np.arange(5)], object), dtype=h5py.vlen_dtype("i4"))
        file["table"] = np.array([(1, 2.5, b"a"), (2, 3.5, b"b")], [("i", "i4"), ("x", "f8"), ("s", "S3")])
        file["nothing"] = h5py.Empty("i8")
        file["scalar"] = 42
        file["type"] = np.dtype([("a", "i2"), ("b", "f4")])
        file["type"].attrs["why"] = "shared"
        file.create_dataset("typed", data=np.zeros(4, file["type"].dtype), dtype=file["type"])
        file["hard"] = group["images"]
        group["up"] = file["scalar"]
        file["soft"] = h5py.SoftLink("/zebra/images")
        file["dangling"] = h5py.SoftLink("/nowhere")
        file["external"] = h5py.ExternalLink("other.h5", "/x")
        file.create_dataset("outside", (100,), "f8", external=[("raw.bin", 0, 800)])
        layout = h5py.VirtualLayout((2, 12), "f8")
        layout[0] = h5py.VirtualSource("other.h5", "x", (12,))
        file.create_virtual_dataset("virtual", layout)
        file["references"] = np.array([images.ref, file["typed"].ref, group.ref], h5py.ref_dtype)
        file["regions"] = np.array([images.regionref[2:4, :10], file["text"].regionref[1]], h5py.regionref_dtype)
        kind = np.dtype([("what", h5py.ref_dtype), ("n", "i4")])
        file["records"] = np.array([(images.ref, 1), (file.ref, 2)], kind)
        file.attrs["favourite"] = images.ref
        for axis, name in enumerate("tyx"):
            file[name] = np.arange(images.shape[axis])
            file[name].make_scale(name)
            images.dims[axis].attach_scale(file[name])
