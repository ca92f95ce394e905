"""The program h5h264 on files with everything in them."""

import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
from program import PROGRAM, frames, in_a_folder_of_its_own, run, take_signals  # noqa: F401
from support import FILTER_ID, MAGIC, TESTS, create, movie

sys.path.insert(0, str(TESTS.parent / "python" / "h5h264"))
import calib  # noqa: E402


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


def test_repack_with_a_preset_makes_smaller_files():
    with h5py.File("in.h5", "w") as file:
        create(file, frames(), chunks=(5, 64, 80))
    run("repack", "in.h5", "fast.h5")
    run("repack", "in.h5", "slow.h5", "--preset", "superfast")
    assert Path("slow.h5").stat().st_size < Path("fast.h5").stat().st_size
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


def damage(path, name, index):
    with h5py.File(path) as file:
        info = file[name].id.get_chunk_info(index)
    with open(path, "r+b") as file:
        file.seek(info.byte_offset + info.size // 2)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 255]))
    return info.chunk_offset


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


def test_verify_finds_nothing_in_whole_files():
    write_everything("in.h5")
    run("repack", "in.h5", "out.h5")
    assert "not checked" not in run("verify", "in.h5", "out.h5").stdout


def test_verify_goes_on_at_what_can_not_be_opened():
    with h5py.File("a.h5", "w") as file:
        file["bad/inner"] = 1
        file["bad_too"] = np.arange(10)
        create(file, frames(), chunks=(5, 64, 80))
        places = [h5py.h5o.get_info(file[name].id).addr for name in ("bad", "bad_too")]
    with open("a.h5", "r+b") as file:
        for place in places:
            file.seek(place)
            file.write(bytes(8))
    found = run("verify", "none.h5", "a.h5", status=1)
    assert "none.h5: " in found.stdout and "a.h5:/bad: " in found.stdout and "a.h5:/bad_too: " in found.stdout
    assert found.stdout.endswith("4 chunks of 1 dataset decoded\n") and "3 places" in found.stderr
    assert "can't be read" in run("info", "a.h5").stdout
    run("repack", "a.h5", "b.h5", status=1)


def test_verify_names_each_damaged_chunk():
    with h5py.File("a.h5", "w") as file:
        create(file, frames(), chunks=(5, 64, 80), name="ours")
        create(file, frames(), chunks=(5, 64, 80), name="checked", fletcher32=True)
        file.create_dataset("gzip", data=frames(), chunks=(5, 64, 80), compression="gzip")
    places = {name: damage("a.h5", name, 2) for name in ("ours", "checked", "gzip")}
    found = run("verify", "a.h5", status=1)
    for name, place in places.items():
        assert f"a.h5:/{name} {place}: " in found.stdout
    assert "checksum" in found.stdout and found.stderr == "h5h264: damage in 3 places\n"
    report = json.loads(run("verify", "a.h5", "--json", status=1).stdout)
    assert [d["chunk"] for d in report["damaged"]] == [list(places[n]) for n in ("checked", "gzip", "ours")]
    assert (report["n_datasets"], report["n_chunks"]) == (3, 12)
    message = run("repack", "a.h5", "b.h5", status=1).stderr
    assert "checksum" in message and not list(Path().glob("*b.h5*"))


def test_verify_says_what_it_cannot_check():
    with h5py.File("a.h5", "w") as file:
        dataset = file.create_dataset("frames", (5, 64, 80), "u2", chunks=(5, 64, 80), compression="gzip")
        dataset[...] = frames(5)
    content = Path("a.h5").read_bytes()
    # gzip's id and name, as the creation properties have them, become those of nobody.
    gzip = b"\x01\x00\x08\x00\x01\x00\x01\x00deflate\0"
    assert content.count(gzip) == 1
    Path("a.h5").write_bytes(content.replace(gzip, b"\xfe\x7e" + gzip[2:8] + b"unknown\0"))
    found = run("verify", "a.h5").stdout
    assert "a.h5:/frames: not checked: unknown (32510) is not available here" in found


def test_info_shows_how_datasets_are_stored():
    write_everything("in.h5")
    run("repack", "in.h5", "out.h5", "--preset", "superfast")
    text = run("info", "out.h5").stdout
    assert "/zebra/images  20 × 64 × 80  uint16, " in text
    assert "h5h264 superfast" in text and "bits video" in text
    assert "/soft  → /zebra/images" in text and "/external  → other.h5:/x" in text
    assert run("info", "out.h5:/zebra/images").stdout.count("chunks of") == 1
    objects = {o["path"]: o for o in json.loads(run("info", "--json", "out.h5").stdout)["objects"]}
    images = objects["/zebra/images"]
    assert images["h5h264"]["preset"] == "superfast"
    assert images["h5h264"]["kinds"][0]["format_version"] == 1
    assert images["raw_bytes"] == 20 * 64 * 80 * 2
    with h5py.File("out.h5") as file:
        assert images["stored_bytes"] == file["zebra/images"].id.get_storage_size()
    assert "No such file" in run("info", "none.h5", status=1).stderr
    assert "nowhere" in run("info", "out.h5:/nowhere", status=1).stderr


def write_parts(lengths, chunk=5, dtype="u2"):
    for name, n in lengths.items():
        with h5py.File(name, "w") as file:
            dataset = file.create_dataset(
                "g/frames", data=movie((n, 64, 80), dtype, seed=n), chunks=(chunk, 64, 80), compression=FILTER_ID,
                maxshape=(None, 64, 80),
            )
            dataset.attrs["unit"] = "ADU"
            file["names"] = [f"{name} {i}" for i in range(n)]
            file["energy"] = np.arange(n) / 7
            file["only " + name] = 1


def chunks_of(path):
    with h5py.File(path) as file:
        dataset = file["g/frames"]
        offsets = [dataset.id.get_chunk_info(i).chunk_offset for i in range(dataset.id.get_num_chunks())]
        return {offset[0]: dataset.id.read_direct_chunk(offset)[1] for offset in offsets}


@pytest.mark.parametrize("lengths, n_copied", [([10, 15, 7], 7), ([10, 7, 15], 3), ([3, 4, 5], 0)])
def test_merge_puts_frames_one_after_the_other(lengths, n_copied):
    names = ["a.h5", "b.h5", "c.h5"]
    write_parts(dict(zip(names, lengths)))
    run("merge", "--inputs", ",".join(names), "--output", "merged")
    with h5py.File("merged.h5") as merged:
        parts = [h5py.File(name) for name in names]
        for name in "g/frames", "energy", "names":
            assert np.array_equal(merged[name], np.concatenate([part[name][:] for part in parts]))
        assert merged["g/frames"].attrs["unit"] == "ADU" and "only a.h5" not in merged
        assert list(merged["source"]) == sum(([i] * n for i, n in enumerate(lengths)), [])
        assert list(merged["source"].attrs["files"]) == names
    stored = [list(chunks_of(name).values()) for name in names]
    chunks = chunks_of("merged.h5").values()
    assert sum(any(chunk in part for part in stored) for chunk in chunks) == n_copied
    run("verify", "merged.h5")


def test_merge_names_what_does_not_fit():
    write_parts({"a.h5": 5})
    for name, shape, dtype in ("b.h5", (5, 64, 90), "u2"), ("c.h5", (5, 64, 80), "f4"):
        with h5py.File(name, "w") as file:
            file["g/frames"] = np.zeros(shape, dtype)
    error = run("merge", "--inputs", "a.h5,b.h5", "--output", "m.h5", status=1).stderr
    assert "/g/frames is 5 × 64 × 80 in a.h5, 5 × 64 × 90 in b.h5" in error
    error = run("merge", "--inputs", "a.h5,c.h5", "--output", "m.h5", status=1).stderr
    assert "/g/frames is uint16 in a.h5, float32 in c.h5" in error
    assert "the output is the input" in run("merge", "--inputs", "a.h5,a.h5", "--output", "a.h5", status=1).stderr
    assert not Path("m.h5").exists()


def test_merge_copies_chunks_of_any_filter_and_refuses_to_change_numbers():
    for name, n in [("a.h5", 20), ("b.h5", 10)]:
        with h5py.File(name, "w") as file:
            lossy = frames(n, "f4") / 7
            file.create_dataset("lossy", data=lossy, chunks=(5, 64, 80), scaleoffset=1)
            file.create_dataset("lzf", data=frames(n), chunks=(5, 64, 80), compression="lzf")
            file.create_dataset("integers", data=frames(n), chunks=(5, 64, 80), scaleoffset=0)
    run("merge", "--inputs", "a.h5", "b.h5", "--output", "m")
    with h5py.File("a.h5") as a, h5py.File("b.h5") as b, h5py.File("m.h5") as merged:
        for name in a:
            assert np.array_equal(merged[name], np.concatenate([a[name], b[name]])), name
            chunk = merged[name].id.read_direct_chunk((20, 0, 0))
            assert chunk == b[name].id.read_direct_chunk((0, 0, 0))
    for name, n in [("c.h5", 7), ("d.h5", 8)]:
        with h5py.File(name, "w") as file:
            file.create_dataset("integers", data=frames(n), chunks=(5, 64, 80), scaleoffset=0)
    run("merge", "--inputs", "c.h5,d.h5", "--output", "n")
    with h5py.File("n.h5") as merged:
        assert np.array_equal(merged["integers"], np.concatenate([frames(7), frames(8)]))
    with h5py.File("e.h5", "w") as file:
        file.create_dataset("lossy", data=frames(7, "f4") / 7, chunks=(5, 64, 80), scaleoffset=1)
    message = run("merge", "--inputs", "e.h5,e.h5", "--output", "o", status=1).stderr
    assert "scaleoffset may change numbers" in message and not Path("o.h5").exists()
    with h5py.File("f.h5", "w") as file:
        file.create_dataset("lzf", data=frames(7), chunks=(5, 64, 80), compression="lzf")
    message = run("merge", "--inputs", "f.h5,f.h5", "--output", "o", status=1).stderr
    assert "lzf (32000) is not available here" in message


def test_merge_keeps_links_groups_scales_and_names_with_commas():
    for name, n in [("a,1.h5", 20), ("b.h5", 10)]:
        with h5py.File(name, "w") as file:
            images = create(file, frames(n), chunks=(5, 64, 80))
            file["again"] = images
            file["soft"] = h5py.SoftLink("/frames")
            file["external"] = h5py.ExternalLink("other.h5", "/x")
            file.create_group("empty").attrs["why"] = "for later"
            file["type"] = np.dtype("i4")
            for axis, scale in enumerate("tyx"):
                file[scale] = np.arange(images.shape[axis])
                file[scale].make_scale(scale)
                images.dims[axis].attach_scale(file[scale])
    printed = run("merge", "--inputs", "a,1.h5", "b.h5", "--output", "m").stdout
    assert "/type was left out: a datatype with a name" in printed
    with h5py.File("m.h5") as file:
        assert file["again"] == file["frames"] and file.get("soft", getlink=True).path == "/frames"
        assert file.get("external", getlink=True).filename == "other.h5"
        assert file["empty"].attrs["why"] == "for later"
        assert [dim[0].name for dim in file["frames"].dims] == ["/t", "/y", "/x"]
        assert [len(file[name]) for name in "tyx"] == [30, 64, 80]
        assert list(file["source"]) == [0] * 20 + [1] * 10
    with h5py.File("b.h5", "r+") as file:
        file["x"][5] = 77
    assert "/x is not the same" in run("merge", "--inputs", "a,1.h5", "b.h5", "--output", "m", status=1).stderr


def test_merge_does_not_mistake_what_it_leaves_out_or_leaves_empty():
    for name, fill in ("a.h5", 1), ("b.h5", 2):
        with h5py.File(name, "w") as file:
            group = file.create_group("g")
            group.attrs["name"] = name
            dataset = group.create_dataset(
                "frames", (20, 64, 80), "u2", chunks=(5, 64, 80), compression=FILTER_ID, fillvalue=fill
            )
            dataset[10:] = frames(10)
            file["source"] = [1, 2, 3]
            file["scalar"] = 1
            file["references"] = np.array([dataset.ref], h5py.ref_dtype)
    with h5py.File("b.h5", "r+") as file:
        file["more"] = [1]
    printed = run("merge", "--inputs", "a.h5,b.h5", "--output", "m.h5").stdout
    for name in "source", "scalar", "references", "more":
        assert f"/{name} was left out: " in printed
    with h5py.File("m.h5") as merged, h5py.File("a.h5") as a, h5py.File("b.h5") as b:
        assert np.array_equal(merged["g/frames"], np.concatenate([a["g/frames"], b["g/frames"]]))
        assert sorted(merged) == ["g", "source"] and merged["g"].attrs["name"] == "a.h5"


def test_bench_compares_filters():
    with h5py.File("in.h5", "w") as file:
        file["frames"] = frames()
    assert "h5h264 superfast" in run("bench", "in.h5:/frames").stdout
    report = json.loads(run("bench", "--json", "in.h5:/frames").stdout)
    ratios = {outcome["filter"]: outcome["ratio"] for outcome in report["filters"]}
    assert ratios["h5h264 ultrafast"] > ratios["shuffle, gzip 4"] > 1
    assert "Suggestion: h5h264" in report["suggestion"]


def write_inputs(command):
    """Some 50 MB for each command."""
    frames = np.random.default_rng(1).integers(0, 60000, (400, 256, 256), "u2")
    with h5py.File("large.h5", "w") as file:
        file["frames"] = frames
    os.link("large.h5", "copy.h5")
    if command == "convert":
        pytest.importorskip("tifffile").imwrite("stack.tif", frames)
    if command == "convert video":
        run("export", "large.h5:/frames", "video.mkv")


COMMANDS = {
    "repack": ["repack", "large.h5", "out.h5"],
    "merge": ["merge", "--inputs", "large.h5,copy.h5", "--output", "out.h5"],
    "convert": ["convert", "stack.tif", "--output", "out.h5"],
    "export": ["export", "large.h5:/frames", "out.npy"],
    "export video": ["export", "large.h5:/frames", "out.mkv"],
    "convert video": ["convert", "video.mkv", "--output", "out.h5"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_killed_in_the_middle_it_leaves_no_output(command):
    write_inputs(command)
    inputs = {path: path.read_bytes() for path in Path().iterdir()}
    for stop in signal.SIGKILL, signal.SIGINT:
        pipes = dict(stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        process = subprocess.Popen([PROGRAM, *COMMANDS[command]], preexec_fn=take_signals, **pipes)
        while process.poll() is None and not any(path.stat().st_size > 10000 for path in Path().glob(".out.*.part")):
            time.sleep(0.001)
        process.send_signal(stop)
        assert process.wait() == (130 if stop == signal.SIGINT else -stop)
        assert not list(Path().glob("out.*"))
        # Who is interrupted can clean up.
        assert bool(list(Path().glob(".out.*"))) == (stop == signal.SIGKILL)
        for path in Path().glob(".out.*"):
            path.unlink()
    assert inputs == {path: path.read_bytes() for path in Path().iterdir()}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_full_disk_is_an_error(command):
    write_inputs(command)
    before = sorted(Path().iterdir())

    def limit():
        # Python has signals for it ignored, which this process inherits: writing fails.
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (3 << 20, 3 << 20))

    message = run(*COMMANDS[command], status=1, preexec_fn=limit).stderr
    assert "can't write" in message
    assert sorted(Path().iterdir()) == before
