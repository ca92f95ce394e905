"""The program h5h264 reads and writes what other filters, and programs without some of them, have written."""

import itertools
import os
import shutil
import sys
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
import pytest
from program import frames, in_a_folder_of_its_own, run  # noqa: F401
from support import FILTER_ID, PROGRAM, same_bytes

SHUFFLE, GZIP, FLETCHER32 = h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_FLETCHER32
LZF = h5py.h5z.FILTER_LZF
NO_PLUGINS = {name: value for name, value in os.environ.items() if name not in ("HDF5_PLUGIN_PATH", "VIRTUAL_ENV")}

LOSSLESS = {
    "lzf": {"compression": "lzf"},
    "shuffled-lzf": {"compression": "lzf", "shuffle": True, "fletcher32": True},
    "bitshuffle": hdf5plugin.Bitshuffle(),
    "bitshuffle-zstd": hdf5plugin.Bitshuffle(cname="zstd"),
    "blosc": hdf5plugin.Blosc(),
    "blosc2": hdf5plugin.Blosc2(),
    "bzip2": hdf5plugin.BZip2(),
    "lz4": hdf5plugin.LZ4(),
    "zstd": hdf5plugin.Zstd(),
}


def write(path, filters, array):
    options = filters if isinstance(filters, dict) else {"compression": filters}
    with h5py.File(path, "w") as file:
        shape = (None, *array.shape[1:])
        file.create_dataset("frames", data=array, chunks=(6, *array.shape[1:]), maxshape=shape, **options)


def read(path, name="frames"):
    with h5py.File(path) as file:
        return file[name][:]


def check_all(array, **options):
    """What each command makes of a.h5."""
    run("repack", "a.h5", "repacked.h5", **options)
    with h5py.File("repacked.h5") as file:
        assert str(FILTER_ID) in file["frames"]._filters
    assert same_bytes(read("repacked.h5"), array)
    run("export", "a.h5:/frames", "a.npy", **options)
    assert same_bytes(np.load("a.npy"), array)
    assert "not available" not in run("verify", "a.h5", **options).stdout
    run("merge", "--inputs", "a.h5", "a.h5", "-o", "merged.h5", **options)
    assert same_bytes(read("merged.h5"), np.concatenate([array, array]))


@pytest.mark.parametrize("name", [name for name in LOSSLESS if "lzf" in name])
@pytest.mark.parametrize("noise", [False, True])
def test_lzf_is_built_in(name, noise):
    array = np.random.default_rng(1).integers(0, 1 << 16, (20, 64, 80), "u2") if noise else frames(20)
    write("a.h5", LOSSLESS[name], array)
    check_all(array, env=NO_PLUGINS)


def test_damaged_lzf_is_found():
    write("a.h5", LOSSLESS["lzf"], frames(20))
    with h5py.File("a.h5") as file:
        place = file["frames"].id.get_chunk_info(1)
    content = bytearray(Path("a.h5").read_bytes())
    content[place.byte_offset : place.byte_offset + 20] = b"\xff" * 20
    Path("a.h5").write_bytes(content)
    assert "(6, 0, 0): damaged chunk: lzf" in run("verify", "a.h5", env=NO_PLUGINS, status=1).stdout


@pytest.mark.parametrize("name", [name for name in LOSSLESS if "lzf" not in name])
def test_plugins_are_found_where_hdf5plugin_is_active(name):
    write("a.h5", LOSSLESS[name], frames(20))
    check_all(frames(20), env={**NO_PLUGINS, "VIRTUAL_ENV": sys.prefix})


def test_plugins_are_found_beside_the_program_and_in_condas_folder():
    write("a.h5", LOSSLESS["bitshuffle"], frames(20))
    packages = Path("venv/lib/python3.11/site-packages/hdf5plugin")
    packages.mkdir(parents=True)
    Path("venv/bin").mkdir()
    os.symlink(hdf5plugin.PLUGIN_PATH, packages / "plugins")
    shutil.copy(PROGRAM, "venv/bin/h5h264")
    done = run("export", "a.h5:/frames", "a.npy", env=NO_PLUGINS, executable="venv/bin/h5h264")
    assert done.returncode == 0 and same_bytes(np.load("a.npy"), frames(20))
    Path("conda/lib/hdf5").mkdir(parents=True)
    os.symlink(hdf5plugin.PLUGIN_PATH, "conda/lib/hdf5/plugin")
    run("export", "a.h5:/frames", "b.npy", env={**NO_PLUGINS, "CONDA_PREFIX": "conda"})
    assert same_bytes(np.load("b.npy"), frames(20))


def test_an_error_says_what_to_install():
    write("a.h5", LOSSLESS["bitshuffle"], frames(20))
    wanted = "bitshuffle (32008) is not available here (pip install hdf5plugin)"
    assert wanted in run("export", "a.h5:/frames", "a.npy", env=NO_PLUGINS, status=1).stderr
    assert wanted in run("repack", "a.h5", "b.h5", env=NO_PLUGINS).stderr
    assert wanted in run("verify", "a.h5", env=NO_PLUGINS).stdout


def create(path, filters):
    """A dataset with a pipeline of filters, by their numbers."""
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_chunk((4, 32, 40))
    for number in filters:
        if number == SHUFFLE:
            plist.set_shuffle()
        elif number == FLETCHER32:
            plist.set_fletcher32()
        else:
            plist.set_filter(number, h5py.h5z.FLAG_OPTIONAL, (4,) if number == GZIP else ())
    file = h5py.File(path, "w")
    space = h5py.h5s.create_simple((12, 32, 40), (h5py.h5s.UNLIMITED, 32, 40))
    return file, h5py.Dataset(h5py.h5d.create(file.id, b"frames", h5py.h5t.NATIVE_UINT16, space, plist))


def stored(filters, mask, chunk):
    """The bytes of a chunk that went through the filters that are not left out."""
    kept = [number for i, number in enumerate(filters) if not mask >> i & 1]
    if not kept:
        return chunk.tobytes()
    file, dataset = create("one.h5", kept)
    dataset[:4] = chunk
    file.flush()
    left_out, content = dataset.id.read_direct_chunk((0, 0, 0))
    file.close()
    assert left_out == 0
    return content


ORDERS = [
    (FILTER_ID,),
    (SHUFFLE, FILTER_ID),
    (FILTER_ID, SHUFFLE, GZIP, FLETCHER32),
    (GZIP, FILTER_ID),
    (FLETCHER32, FILTER_ID),
    (SHUFFLE, FILTER_ID, FLETCHER32),
    (LZF, FILTER_ID),
    (FILTER_ID, LZF),
    (SHUFFLE, LZF, FLETCHER32),
]


@pytest.mark.parametrize("filters", ORDERS)
def test_filters_in_any_order_and_any_of_them_left_out(filters):
    array = np.random.default_rng(3).poisson(100, (12, 32, 40)).astype("u2")
    masks = range(1 << len(filters))
    for three in itertools.zip_longest(*[iter(masks)] * 3, fillvalue=0):
        file, dataset = create("a.h5", filters)
        for i, mask in enumerate(three):
            chunk = array[4 * i : 4 * i + 4]
            dataset.id.write_direct_chunk((4 * i, 0, 0), stored(filters, mask, chunk), mask)
        file.close()
        assert same_bytes(read("a.h5"), array)
        check_all(array)
        for made in "repacked.h5", "merged.h5":
            Path(made).unlink()


def test_chunks_that_others_of_the_same_size_have_replaced_are_what_hdf5_says():
    """HDF5 keeps the filter mask of a chunk that is replaced by one of the same size, so that it is read as if it had
    gone through the same filters as the one before."""
    array = np.random.default_rng(3).poisson(100, (12, 32, 40)).astype("u2")
    for before, after in (0, 1), (1, 0):
        file, dataset = create("a.h5", (SHUFFLE,))
        for mask in before, after:
            for i in range(3):
                chunk = array[4 * i : 4 * i + 4]
                dataset.id.write_direct_chunk((4 * i, 0, 0), stored((SHUFFLE,), mask, chunk), mask)
        file.close()
        check_all(read("a.h5"))
        for made in "repacked.h5", "merged.h5":
            Path(made).unlink()


def test_merge_refuses_uncompressed_chunks_of_the_wrong_size():
    file, dataset = create("a.h5", (FILTER_ID, FLETCHER32))
    dataset[:] = frames(12)[:, :32, :40]
    dataset.id.write_direct_chunk((4, 0, 0), b"\0" * 10240, 1)
    file.close()
    message = run("merge", "--inputs", "a.h5", "a.h5", "-o", "merged.h5", status=1).stderr
    assert "chunk (4, 0, 0) of a.h5: it has 10240 bytes, not compressed (expected 10244): damaged" in message
    assert not Path("merged.h5").exists()
