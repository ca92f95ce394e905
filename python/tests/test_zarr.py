"""Our chunks in Zarr stores, and HDF5 files read as Zarr."""

import json
import subprocess
import sys

import h5h264
import h5py
import numcodecs
import numpy as np
import pytest
import xarray
import zarr
from h5h264.zarr import H264Bytes, H264Codec, H264Serializer, HDFParser, references
from obspec_utils.registry import ObjectStoreRegistry
from obstore.store import LocalStore
from virtualizarr import open_virtual_dataset
from virtualizarr.parsers import KerchunkJSONParser

from support import MAGIC, movie, run_python, same_bytes

SHAPE = (25, 50, 70)


@pytest.fixture
def frames():
    return movie(SHAPE, "<u2")


@pytest.fixture
def reference_path(path, tmp_path, frames):
    """References to a file of ours, with coordinates, as a JSON file."""
    with h5py.File(path, "w") as file:
        datasets = [
            h5h264.write(file, "frames", frames, chunks=(10, 30, 70), preset="superfast"),
            file.create_dataset(
                "shuffled", data=frames, chunks=(10, 50, 70), shuffle=True, compression=h5h264.H264()
            ),
            h5h264.write(file, "original", frames, preset=h5h264.H264(layout="original")),
            file.create_dataset("zipped", data=frames, chunks=(10, 50, 70), compression="gzip"),
        ]
        for i, name in enumerate("tyx"):
            file[name] = np.arange(1, 1 + SHAPE[i])
            file[name].make_scale(name)
            for dataset in datasets:
                dataset.dims[i].attach_scale(file[name])
    found = tmp_path / "references.json"
    found.write_text(json.dumps(references(str(path))))
    return found


@pytest.mark.parametrize("scheduler", ["synchronous", "threads", "processes"])
def test_a_file_is_read_by_reference_with_xarray_and_dask(reference_path, frames, scheduler):
    dataset = xarray.open_dataset(str(reference_path), engine="kerchunk", chunks={}, mask_and_scale=False)
    for name in ("frames", "shuffled", "original", "zipped")[: 1 if scheduler == "processes" else 4]:
        assert dataset[name].dims == ("t", "y", "x")
        found = dataset[name].sel(t=slice(3, 20)).isel(y=slice(7, 40)).compute(scheduler=scheduler)
        assert same_bytes(found.values, frames[2:20, 7:40])
    assert dataset.frames.max("t").compute().equals(dataset.shuffled.max("t").compute())


def test_references_need_no_hdf5_file(reference_path, frames):
    """Only its bytes, wherever they are: the codec is found by its name alone."""
    script = """
        import json, sys
        import fsspec, numcodecs
        import numpy as np
        refs = json.load(open(sys.argv[1]))["refs"]
        url, offset, n_bytes = refs["frames/0.0.0"]
        with fsspec.open(url) as file:
            file.seek(offset)
            stored = file.read(n_bytes)
        (config,) = json.loads(refs["frames/.zarray"])["filters"]
        chunk = numcodecs.get_codec(config).decode(stored)
        print(int(np.frombuffer(chunk, "<u2").astype("u8").sum()))
    """
    assert int(run_python(script, reference_path)) == frames[:10, :30].astype("u8").sum()


def test_virtualizarr_takes_the_references(path, tmp_path, reference_path, frames):
    registry = ObjectStoreRegistry({"file://": LocalStore()})
    references_of_url = tmp_path / "url.json"
    references_of_url.write_text(json.dumps(references(f"file://{path}", inline_threshold=0)))
    store = KerchunkJSONParser()(f"file://{references_of_url}", registry)
    dataset = xarray.open_zarr(store, consolidated=False, zarr_format=3, mask_and_scale=False)
    for name in ("frames", "shuffled", "original"):
        assert same_bytes(dataset[name][3:20].values, frames[3:20])


def test_virtualizarr_writes_references(tmp_path, reference_path, frames):
    registry = ObjectStoreRegistry({"file://": LocalStore()})
    of_url = json.loads(reference_path.read_text())["refs"]["frames/0.0.0"][0]
    reference_path.write_text(json.dumps(references(f"file://{of_url}", inline_threshold=0)))
    virtual = open_virtual_dataset(f"file://{reference_path}", registry, KerchunkJSONParser())
    virtual[["frames", "shuffled"]].vz.to_kerchunk(str(tmp_path / "again.json"), format="json")
    dataset = xarray.open_dataset(str(tmp_path / "again.json"), engine="kerchunk", mask_and_scale=False)
    assert same_bytes(dataset["frames"][3:20].values, frames[3:20])


def test_virtualizarr_parses_a_file(path, reference_path, frames):
    registry = ObjectStoreRegistry({"file://": LocalStore()})
    store = HDFParser(skip_variables=["zipped"])(f"file://{path}", registry)
    dataset = xarray.open_zarr(store, consolidated=False, zarr_format=3, mask_and_scale=False)
    assert set(dataset.variables) == {"frames", "shuffled", "original", *"tyx"}
    for name in ("frames", "shuffled", "original"):
        assert same_bytes(dataset[name][3:20].values, frames[3:20])
    with h5py.File(path, "a") as file:
        h5h264.write(file, "deep/er/frames", frames)
    virtual = open_virtual_dataset(f"file://{path}", registry, HDFParser(group="deep/er"))
    assert virtual["frames"].shape == frames.shape


def test_bytes_alone_are_encoded_for_a_dataset_only(tmp_path, frames):
    codec = H264Bytes(cd_values=h5h264_cd_values((10, 50, 70)))
    arguments = {"chunks": (10, 50, 70), "dtype": "<u2", "shape": SHAPE}
    zarr.create_array(tmp_path / "a", compressors=codec, **arguments)[:] = frames
    assert (tmp_path / "a" / "c" / "0" / "0" / "0").read_bytes() == h5h264.encode(frames[:10])
    assert same_bytes(zarr.open_array(tmp_path / "a")[:], frames)
    with pytest.raises(ValueError, match="the shape of the frames is not known"):
        zarr.create_array(tmp_path / "b", compressors=H264Bytes(), **arguments)[:] = frames


def h5h264_cd_values(chunks):
    with h5py.File("x", "w", driver="core", backing_store=False) as file:
        dataset = file.create_dataset("a", chunks, "<u2", chunks=chunks, compression=h5h264.H264())
        return h5h264.info(dataset).cd_values


def test_other_filters_than_the_usual_are_refused(path, frames):
    with h5py.File(path, "w") as file:
        h5h264.write(file, "frames", frames, fletcher32=True)
    with pytest.raises(ValueError, match="/frames has the filters h5h264, fletcher32"):
        references(str(path))
    with h5py.File(path, "w") as file:
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk((5, 50, 70))
        plist.set_filter(h5h264.FILTER_ID, 0, ())
        plist.set_shuffle()
        space = h5py.h5s.create_simple(SHAPE)
        h5py.h5d.create(file.id, b"frames", h5py.h5t.STD_U16LE, space, dcpl=plist)
    with pytest.raises(ValueError, match="/frames has the filters h5h264, shuffle"):
        references(str(path))


@pytest.mark.parametrize("dtype", ["<u2", "u1", ">f4", "<i8", "?"])
def test_zarr_format_2(tmp_path, dtype):
    frames = movie(SHAPE, dtype)
    array = zarr.create_array(
        tmp_path / "a.zarr",
        data=frames,
        chunks=(10, 50, 70),
        zarr_format=2,
        compressors=H264Codec("superfast"),
    )
    assert (tmp_path / "a.zarr" / "0.0.0").read_bytes().startswith(MAGIC)
    assert same_bytes(zarr.open_array(tmp_path / "a.zarr")[:], frames)
    array[3:7, 5:9] = 1
    frames[3:7, 5:9] = 1
    assert same_bytes(zarr.open_array(tmp_path / "a.zarr")[:], frames)


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("dtype", ["<M8[s]", "<m8[ms]", "<U3"])
def test_times_and_texts_in_zarr(tmp_path, dtype, zarr_format):
    values = movie((20, 30), "<u2").astype("i8").astype(dtype)
    coding = {"compressors": H264Codec()} if zarr_format == 2 else {"serializer": H264Serializer(), "compressors": None}
    for name, array in (("many", values), ("one", np.array(values[0, 0]))):
        coding["zarr_format"] = zarr_format
        zarr.create_array(tmp_path / name, shape=array.shape, dtype=dtype, chunks=array.shape, **coding)[...] = array
        assert np.array_equal(zarr.open_array(tmp_path / name)[...], array)


def test_zarr_in_fortran_order(tmp_path, frames):
    zarr.create_array(
        tmp_path / "a", data=frames, chunks=(10, 50, 70), zarr_format=2, order="F", compressors=H264Codec()
    )
    assert same_bytes(np.ascontiguousarray(zarr.open_array(tmp_path / "a")[:]), frames)


@pytest.mark.parametrize("shards", [None, (20, 50, 70)])
@pytest.mark.parametrize("dtype", ["<u2", "u1", ">f4", "<i8", "?"])
def test_zarr_format_3(tmp_path, dtype, shards):
    frames = movie(SHAPE, dtype)
    array = zarr.create_array(
        tmp_path / "a.zarr",
        data=frames,
        chunks=(10, 50, 70),
        shards=shards,
        serializer=H264Serializer("superfast"),
        compressors=None,
    )
    stored = (tmp_path / "a.zarr" / "c" / "0" / "0" / "0").read_bytes()
    assert MAGIC in stored and len(stored) < 20 * frames[0].nbytes
    assert np.array_equal(zarr.open_array(tmp_path / "a.zarr")[:], frames)
    array[3:7, 5:9] = 1
    frames[3:7, 5:9] = 1
    assert np.array_equal(zarr.open_array(tmp_path / "a.zarr")[:], frames)


def test_the_codecs_are_found_by_name(tmp_path, frames):
    """In a process that imports nothing of ours."""
    for name, arguments in {
        "2": {"zarr_format": 2, "compressors": H264Codec()},
        "3": {"zarr_format": 3, "serializer": H264Serializer(), "compressors": None},
    }.items():
        zarr.create_array(tmp_path / name, data=frames, chunks=(10, 50, 70), **arguments)
    script = "import sys, zarr; print([int(zarr.open_array(path)[:].sum()) for path in sys.argv[1:]])"
    output = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "2", tmp_path / "3"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(output.stdout) == [int(frames.sum())] * 2


def test_configurations(frames):
    for codec in (H264Codec(), H264Codec("slow"), H264Codec("fast", "original", [40, 60, 2])):
        assert numcodecs.get_codec(json.loads(json.dumps(codec.get_config()))) == codec
    serializer = H264Serializer("slow")
    assert H264Serializer.from_dict(json.loads(json.dumps(serializer.to_dict()))) == serializer
    for make in (H264Codec, H264Serializer):
        with pytest.raises(ValueError, match="preset 'best' does not exist"):
            make("best")
    out = np.empty_like(frames)
    H264Codec().decode(H264Codec().encode(frames), out)
    assert same_bytes(out, frames)


def test_damage_is_an_error(tmp_path, frames):
    zarr.create_array(tmp_path / "a", data=frames, chunks=SHAPE, zarr_format=2, compressors=H264Codec())
    chunk = tmp_path / "a" / "0.0.0"
    chunk.write_bytes(chunk.read_bytes()[:-1])
    with pytest.raises(OSError, match="h5h264: damaged chunk"):
        zarr.open_array(tmp_path / "a")[:]
