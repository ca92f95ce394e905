"""Repacked files have all that the files had."""

import ctypes
import json
from pathlib import Path

import h5py
import numpy as np
import pytest
from program import frames, in_a_folder_of_its_own, run, write_everything  # noqa: F401
from support import FILTER_ID, MAGIC, create, filters, movie
from views import calib


def assert_same_files(first, second):
    with h5py.File(first) as a, h5py.File(second) as b:
        names = []
        a.visit(names.append)
        found = []
        b.visit(found.append)
        assert found == names
        assert list(a) == list(b) and list(a["zebra"]) == list(b["zebra"])
        for name in ["/", *names]:
            x, y = a[name], b[name]
            assert type(x) is type(y), name
            assert list(x.attrs) == list(y.attrs), name
            for key in x.attrs:
                p, q = x.attrs.get_id(key), y.attrs.get_id(key)
                assert p.shape == q.shape and p.get_type().equal(q.get_type()), (name, key)
                # Where references lead has a test of its own.
                if isinstance(x.attrs[key], str) or not p.dtype.hasobject:
                    assert np.array_equal(x.attrs[key], y.attrs[key]), (name, key)
            if isinstance(x, h5py.Dataset):
                assert x.shape == y.shape and x.maxshape == y.maxshape and x.dtype == y.dtype, name
                if x.shape is not None and x.dtype.kind != "O" and not x.dtype.hasobject:
                    assert np.asarray(x[()]).tobytes() == np.asarray(y[()]).tobytes(), name
                    assert np.asarray(x.fillvalue).tobytes() == np.asarray(y.fillvalue).tobytes(), name


def test_repack_keeps_everything(tmp_path):
    write_everything("in.h5")
    before = Path("in.h5").read_bytes()
    printed = run("repack", "in.h5", "out.h5").stdout
    assert Path("in.h5").read_bytes() == before
    assert_same_files("in.h5", "out.h5")
    with h5py.File("out.h5") as file:
        for name in "zebra/images", "aardvark", "big_endian", "mask", "complex", "sparse":
            assert str(FILTER_ID) in file[name]._filters, name
            assert f"/{name}  " in printed
            stored = file[name].id.get_chunk_info(0).chunk_offset
            assert file[name].id.read_direct_chunk(stored)[1].startswith(MAGIC)
        assert file["sparse"].id.get_num_chunks() == 1
        assert file["hard"] == file["zebra/images"] and file["zebra/up"] == file["scalar"]
        assert file.get("soft", getlink=True).path == "/zebra/images"
        assert file.get("dangling", getlink=True).path == "/nowhere"
        external = file.get("external", getlink=True)
        assert (external.filename, external.path) == ("other.h5", "/x")
        assert list(file["text"].asstr()) == ["one", "zwei", "三"]
        assert [list(row) for row in file["ragged"]] == [[0, 1, 2], [0, 1, 2, 3, 4]]
        assert file["outside"].external and file["virtual"].is_virtual
        assert file["type"].attrs["why"] == "shared"
        assert file["typed"].id.get_type().committed()


def test_repack_leads_references_to_the_new_objects():
    write_everything("in.h5")
    run("repack", "in.h5", "out.h5")
    with h5py.File("out.h5") as file:
        images = file["zebra/images"]
        assert [file[ref] for ref in file["references"]] == [images, file["typed"], file["zebra"]]
        region, words = file["regions"]
        assert file[region] == images
        assert np.array_equal(images[region].ravel(), frames()[2:4, :10].ravel())
        assert list(file["text"].asstr()[words]) == ["zwei"]
        assert [file[what] for what, _ in file["records"]] == [images, file["/"]]
        assert file[file.attrs["favourite"]] == images
        assert [dim[0].name for dim in images.dims] == ["/t", "/y", "/x"]


@pytest.mark.parametrize("name, filters", [("gzip", {"gzip", "shuffle"}), ("none", set())])
def test_repack_for_those_who_cannot_install_a_plugin(name, filters):
    write_everything("in.h5")
    run("repack", "in.h5", "packed.h5")
    run("repack", "packed.h5", "out.h5", "--filter", name)
    assert_same_files("in.h5", "out.h5")
    with h5py.File("out.h5") as file:
        assert set(file["zebra/images"]._filters) == filters


def test_repack_takes_datasets_by_name():
    write_everything("in.h5")
    report = json.loads(run("repack", "in.h5", "out.h5", "--dataset", "**/im*", "--dataset", "mask", "--json").stdout)
    assert [dataset["path"] for dataset in report["datasets"]] == ["/zebra/images", "/mask"]
    with h5py.File("out.h5") as file:
        assert not file["complex"].chunks and file["mask"].chunks
    assert "can't be repacked" in run("repack", "in.h5", "o.h5", "--dataset", "text", status=1).stderr
    assert "no dataset matches none/*" in run("repack", "in.h5", "o.h5", "--dataset", "none/*", status=1).stderr


def test_repack_takes_a_preset():
    with h5py.File("in.h5", "w") as file:
        create(file, frames(), chunks=(5, 64, 80))
    run("repack", "in.h5", "slow.h5", "--preset", "superfast")
    with h5py.File("slow.h5") as file:
        assert filters(file["frames"])[0][2][3] == 1
        assert np.array_equal(file["frames"], frames())
    assert "preset" in run("repack", "in.h5", "o.h5", "--preset", "hasty", status=2).stderr


def test_repack_keeps_a_user_block():
    with h5py.File("in.h5", "w", userblock_size=512) as file:
        file["frames"] = frames()
    with open("in.h5", "r+b") as file:
        file.write(b"MATLAB 7.3")
    run("repack", "in.h5", "out.h5")
    assert Path("out.h5").read_bytes()[:512] == b"MATLAB 7.3".ljust(512, b"\0")
    with h5py.File("out.h5") as file:
        assert np.array_equal(file["frames"], frames())


@pytest.mark.parametrize("chunk", [(1, 64, 80), (7, 64, 80), (20, 16, 80), (3, 40, 33), (20, 64, 80), (50, 1, 1)])
@pytest.mark.parametrize("filters", [{}, {"compression": "gzip"}, {"scaleoffset": 0}])
def test_repack_from_chunks_of_any_shape(chunk, filters):
    shape = (50, 64, 80)
    with h5py.File("in.h5", "w") as file:
        dataset = file.create_dataset("frames", shape, "u2", chunks=chunk, fillvalue=9, **filters)
        dataset[:31, 10:, :50] = movie((31, 54, 50), "u2")
        wanted = dataset[:]
    run("repack", "in.h5", "out.h5", "--threads", "3")
    with h5py.File("out.h5") as file:
        assert file["frames"]._filters.keys() == {str(FILTER_ID)}
        assert np.array_equal(file["frames"], wanted)


def write_views(path):
    """A file with a view, and the frames that the view gives."""
    with h5py.File(path, "w") as file:
        create(file, frames(6), chunks=(2, 64, 80), name="raw")
        file["calib"] = movie((3, 64, 80), "f4")
        calib.create_processed(file, (6, 64, 80), calib_alg="pedestal_v1", n_cells=1)
    return frames(6).astype("f4") - movie((3, 64, 80), "f4")[0]


def test_views_are_read_and_stay_views():
    wanted = write_views("in.h5")
    assert "h5calib" in run("info", "in.h5:/processed").stdout
    assert "not checked" not in run("verify", "in.h5").stdout
    run("export", "in.h5:/processed", "out.npy")
    assert np.array_equal(np.load("out.npy"), wanted)
    run("repack", "in.h5", "out.h5", "--preset", "superfast")
    with h5py.File("in.h5") as before, h5py.File("out.h5") as after:
        stored = [file["processed"].id.read_direct_chunk((0, 0, 0)) for file in (before, after)]
        assert stored[0] == stored[1]
        assert str(FILTER_ID) in after["raw"]._filters
    run("export", "out.h5:/processed", "out.npy")
    assert np.array_equal(np.load("out.npy"), wanted)
    run("repack", "in.h5", "out.h5", "--dataset", "processed")
    with h5py.File("out.h5") as file:
        assert list(file["processed"]._filters) == [str(FILTER_ID)] and np.array_equal(file["processed"], wanted)


def test_what_nobody_has_written_takes_no_time():
    place = 1 << 33
    with h5py.File("in.h5", "w") as file:
        shape, chunks = (1 << 34, 64, 80), (30, 64, 80)
        images = file.create_dataset("images", shape, "u2", chunks=chunks, compression=FILTER_ID, fillvalue=7)
        images[place] = frames()[0]
    for arguments in [("verify", "in.h5"), ("info", "in.h5"), ("repack", "in.h5", "out.h5")]:
        run(*arguments, timeout=60)
    with h5py.File("out.h5") as file:
        dataset = file["images"]
        assert dataset.id.get_num_chunks() == 1 and dataset.shape == (1 << 34, 64, 80)
        assert np.array_equal(dataset[place], frames()[0]) and (dataset[place + 1] == 7).all()


def test_strings_keep_their_fill_value():
    kind = h5py.string_dtype()
    with h5py.File("in.h5", "w") as file:
        for name, fill in [("named", "hello"), ("empty", "")]:
            strings = file.create_dataset(name, (100,), kind, chunks=(10,), fillvalue=fill, compression="gzip")
            strings[20:40] = [f"s{i}" for i in range(20)]
        file.create_dataset("contiguous", data=["a", "b"], dtype=kind, fillvalue="none")
    run("repack", "in.h5", "out.h5")
    # HDF5 reads strings that nobody has written from files only that it may write to.
    with h5py.File("in.h5", "r+") as before, h5py.File("out.h5", "r+") as after:
        for name in before:
            assert list(after[name].asstr()) == list(before[name].asstr())
        assert after["named"].asstr()[0] == "hello" and after["named"].id.get_num_chunks() == 2


def test_netcdf_reads_what_was_repacked_and_merged():
    netcdf = pytest.importorskip("netCDF4")
    for name, n in [("a.nc", 10), ("b.nc", 5)]:
        with netcdf.Dataset(name, "w") as file:
            for dimension, length in [("time", None), ("y", 64), ("x", 80), ("name", 3)]:
                file.createDimension(dimension, length)
            file.createVariable("x", "f4", ("x",))[:] = np.arange(80)
            file.createVariable("time", "f8", ("time",))[:] = np.arange(n)
            file.createVariable("names", str, ("name",))[:] = np.array(["one", "two", "three"], object)
            images = file.createVariable("images", "u2", ("time", "y", "x"), chunksizes=(5, 64, 80), zlib=True)
            images[:] = frames(n)
    run("repack", "a.nc", "out.nc")
    with netcdf.Dataset("out.nc") as file:
        assert np.array_equal(file["images"], frames(10)) and list(file["names"]) == ["one", "two", "three"]
    run("merge", "--inputs", "a.nc,b.nc", "--output", "m.nc")
    with netcdf.Dataset("m.nc") as file:
        assert file["images"].dimensions == ("time", "y", "x")
        assert np.array_equal(file["images"], np.concatenate([frames(10), frames(5)]))
        assert list(file["time"]) == [*range(10), *range(5)] and list(file["x"]) == list(range(80))


def test_files_that_are_not_beside_the_new_one_are_named():
    Path("new").mkdir()
    with h5py.File("other.h5", "w") as file:
        file["x"] = np.arange(12.0)
    with h5py.File("in.h5", "w") as file:
        file["link"] = h5py.ExternalLink("other.h5", "/x")
        layout = h5py.VirtualLayout((12,), "f8")
        layout[:] = h5py.VirtualSource("other.h5", "x", (12,))
        file.create_virtual_dataset("virtual", layout)
    said = run("repack", "in.h5", "new/out.h5").stderr.splitlines()
    assert [line.split()[1] for line in said] == ["/link", "/virtual"] and all("other.h5" in line for line in said)
    assert not run("repack", "in.h5", "out.h5").stderr


def hdf5():
    """The libhdf5 of this process, for what h5py does not have."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        if "h5py.libs/libhdf5-" in line:
            return ctypes.CDLL(line.split()[-1])
    pytest.skip("no libhdf5 of h5py's")


def test_edges_that_are_not_filtered():
    """H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS"""
    with h5py.File("in.h5", "w", libver="v110") as file:
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk((5, 64, 80))
        plist.set_deflate(4)
        assert hdf5().H5Pset_chunk_opts(ctypes.c_int64(plist.id), 2) == 0
        space = h5py.h5s.create_simple((23, 64, 80))
        h5py.h5d.create(file.id, b"images", h5py.h5t.NATIVE_UINT16, space, plist)
        file["images"][:] = frames(23)
    run("verify", "in.h5")
    run("repack", "in.h5", "out.h5")
    run("merge", "--inputs", "in.h5,in.h5", "--output", "m.h5")
    with h5py.File("out.h5") as file, h5py.File("m.h5") as merged:
        assert np.array_equal(file["images"], frames(23))
        assert np.array_equal(merged["images"], np.concatenate([frames(23)] * 2))
