"""Files as detectors and MATLAB write them, under names of all kinds."""

import os
import shutil
import subprocess
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
from program import frames, in_a_folder_of_its_own, run  # noqa: F401
from support import PROGRAM, same_bytes


def write_nexus(folder=Path(".")):
    """A master file with external links to data files and a virtual dataset of them, as detectors write them."""
    folder.mkdir(exist_ok=True)
    arrays = [frames(6) + i for i in range(3)]
    for i, array in enumerate(arrays):
        with h5py.File(folder / f"run_data_{i + 1:06}.h5", "w") as file:
            data = file.create_dataset("entry/data/data", data=array, chunks=(1, 64, 80), **hdf5plugin.Bitshuffle())
            data.attrs["image_nr_low"] = 6 * i + 1
    with h5py.File(folder / "run_master.h5", "w") as file:
        entry = file.create_group("entry")
        entry.attrs["NX_class"] = "NXentry"
        data = entry.create_group("data")
        data.attrs["NX_class"] = "NXdata"
        data.attrs["signal"] = "all"
        layout = h5py.VirtualLayout((18, 64, 80), "u2")
        for i in range(3):
            name = f"run_data_{i + 1:06}.h5"
            data[f"data_{i + 1:06}"] = h5py.ExternalLink(name, "entry/data/data")
            layout[6 * i : 6 * i + 6] = h5py.VirtualSource(name, "entry/data/data", (6, 64, 80))
        data.create_virtual_dataset("all", layout)
        data["again"] = h5py.ExternalLink("run_data_000001.h5", "entry")
        data["nowhere"] = h5py.ExternalLink("gone.h5", "x")
        mask = entry.create_dataset("instrument/mask", data=frames(1, "u4")[0])
        mask.attrs["units"] = "bits"
    return arrays


def test_a_master_file_takes_its_data_files_in_if_asked_to():
    arrays = write_nexus(Path("in"))
    env = {**os.environ, "HDF5_PLUGIN_PATH": hdf5plugin.PLUGIN_PATH}
    done = run("repack", "in/run_master.h5", "one.h5", "--follow-external", env=env)
    assert "/entry/data/nowhere stays a link" in done.stderr
    shutil.rmtree("in")
    with h5py.File("one.h5") as file:
        data = file["entry/data"]
        assert data.attrs["NX_class"] == "NXdata" and file["entry"].attrs["NX_class"] == "NXentry"
        for i, array in enumerate(arrays):
            dataset = data[f"data_{i + 1:06}"]
            assert same_bytes(dataset[:], array) and dataset.attrs["image_nr_low"] == 6 * i + 1
            assert "32010" in dataset._filters
        assert not data["all"].is_virtual and same_bytes(data["all"][:], np.concatenate(arrays))
        assert same_bytes(data["again/data/data"][:], arrays[0])
        assert isinstance(data.get("nowhere", getlink=True), h5py.ExternalLink)
        assert file["entry/instrument/mask"].attrs["units"] == "bits"


def test_a_master_file_keeps_its_links():
    arrays = write_nexus()
    env = {**os.environ, "HDF5_PLUGIN_PATH": hdf5plugin.PLUGIN_PATH}
    run("repack", "run_master.h5", "new_master.h5", env=env)
    for i in range(1, 4):
        run("repack", f"run_data_{i:06}.h5", "packed.h5", env=env)
        Path("packed.h5").replace(f"run_data_{i:06}.h5")
    with h5py.File("new_master.h5") as file:
        data = file["entry/data"]
        assert data["all"].is_virtual and same_bytes(data["all"][:], np.concatenate(arrays))
        assert isinstance(data.get("data_000001", getlink=True), h5py.ExternalLink)
        assert data["data_000002"].attrs["image_nr_low"] == 7 and "32010" in data["data_000002"]._filters


def test_a_missing_source_of_a_virtual_dataset_is_an_error():
    write_nexus()
    Path("run_data_000002.h5").unlink()
    env = {**os.environ, "HDF5_PLUGIN_PATH": hdf5plugin.PLUGIN_PATH}
    error = run("repack", "run_master.h5", "one.h5", "--follow-external", env=env, status=1).stderr
    assert "run_data_000002.h5" in error and "which is not there" in error


def test_names_of_all_kinds():
    """User blocks, MATLAB's attributes, names in other alphabets, and file names with all that a shell dislikes."""
    array = frames(20)
    for name in "Ä ö%20'\"b.h5", "測定 1.h5", os.fsdecode(b"caf\xe9.h5"):
        with h5py.File(os.fsencode(name), "w", userblock_size=512) as file:
            file.create_dataset("Größe/画像 %d", data=array).attrs["MATLAB_class"] = np.bytes_("uint16")
        content = b"MATLAB 7.3 MAT-file".ljust(512)
        with open(os.fsencode(name), "r+b") as file:
            file.write(content)
        out = "out " + name
        subprocess.run([PROGRAM, "repack", os.fsencode(name), os.fsencode(out)], check=True, capture_output=True)
        with open(os.fsencode(out), "rb") as file:
            assert file.read(512) == content
        with h5py.File(os.fsencode(out)) as file:
            assert same_bytes(file["Größe/画像 %d"][:], array)
            assert file["Größe/画像 %d"].attrs["MATLAB_class"] == b"uint16"
        found = subprocess.run([PROGRAM, "info", os.fsencode(out)], check=True, capture_output=True).stdout
        assert "/Größe/画像 %d".encode() in found
        target = os.fsencode(out) + ":/Größe/画像 %d".encode()
        subprocess.run([PROGRAM, "export", target, b"a.npy"], check=True)
        assert same_bytes(np.load("a.npy"), array)
