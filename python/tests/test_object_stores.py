"""The recipes of docs/scale.md for object stores work, and take as many requests as it says."""

import json
import re
from types import SimpleNamespace

import fsspec
import h5h264.zarr
import h5py
import icechunk
import numpy as np
import pytest
import xarray
import zarr
from conftest import ROOT
from obspec_utils.registry import ObjectStoreRegistry
from obstore.store import S3Store
from s3_server import BUCKET, serve
from virtualizarr import open_virtual_dataset

from support import MAGIC, movie

FRAMES = movie((400, 32, 48), "u2")


def recipes():
    text = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
    section = text.split("## Object stores")[1].split("\n## ")[0]
    return re.findall(r"^```py\n(.*?)^```$", section, re.M | re.S)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A server with files as they are recommended, and not; and what the recipes need beside it."""
    folder = tmp_path_factory.mktemp("files")
    with serve() as server:
        remote = fsspec.filesystem("s3", **server.fsspec_options)
        for name, settings in {"run.h5": {"maxshape": FRAMES.shape}, "grows.h5": {}}.items():
            with h5py.File(folder / name, "w", libver="latest" if settings else None) as file:
                file["log/times"] = np.arange(10)
                h5h264.write(file, "frames", FRAMES, chunks=(2, 32, 48), **settings)
            remote.put_file(str(folder / name), f"{BUCKET}/{name}")
        yield SimpleNamespace(server=server, remote=remote)


def run(recipe, store, **names):
    """What a recipe has found, and the requests and bytes that it took."""
    names = {
        **{"fsspec": fsspec, "h5py": h5py, "h5h264": h5h264, "json": json, "xarray": xarray, "zarr": zarr},
        **{"ObjectStoreRegistry": ObjectStoreRegistry, "S3Store": S3Store},
        "open_virtual_dataset": open_virtual_dataset,
        "options": {**store.server.fsspec_options, "skip_instance_cache": True},
        "store_options": store.server.obstore_options,
        "frames": FRAMES,
        **names,
    }
    store.server.take()
    exec(recipe, names)
    return names, *store.server.take()


def test_h5py_reads_a_frame_with_three_requests(store):
    recipe = recipes()[0]
    names, n_requests, _ = run(recipe, store)
    assert np.array_equal(names["frame"], FRAMES[123])
    # Its size, its beginning, and the chunk, if that does not lie there.
    assert n_requests <= 3
    # A file that can grow has its index anywhere.
    names, *_ = run(recipe.replace("run.h5", "grows.h5"), store)
    assert np.array_equal(names["frame"], FRAMES[123])
    # The next frame is one request, and no byte more than its chunk.
    with store.remote.open(f"{BUCKET}/run.h5", cache_type="first", block_size=1 << 16) as remote, h5py.File(remote) as file:
        dataset = file["frames"]
        assert np.array_equal(dataset[123], FRAMES[123])
        store.server.take()
        assert np.array_equal(dataset[322], FRAMES[322])
        assert store.server.take() == (1, dataset.id.get_chunk_info_by_coord((322, 0, 0)).size)


def test_references_read_a_frame_without_hdf5(store):
    make, read = recipes()[1:3]
    run(make, store)
    names, _, n_bytes = run(read, store)
    assert np.array_equal(names["frame"], FRAMES[123])
    assert n_bytes < store.remote.size(f"{BUCKET}/run.h5") / 10


def test_icechunk_has_references(store):
    options = {"endpoint_url": store.server.endpoint, "allow_http": True, "force_path_style": True, "region": "us-east-1"}
    keys = {"access_key_id": "key", "secret_access_key": "secret"}
    config = icechunk.RepositoryConfig.default()
    chunks = icechunk.s3_store(**options, s3_compatible=True)
    config.set_virtual_chunk_container(icechunk.VirtualChunkContainer(f"s3://{BUCKET}/", chunks))
    allowed = icechunk.containers_credentials({f"s3://{BUCKET}/": icechunk.s3_credentials(**keys)})
    storage = icechunk.s3_storage(bucket=BUCKET, prefix="icechunk", **keys, **options)
    repository = icechunk.Repository.create(storage, config, authorize_virtual_chunk_access=allowed)
    names, *_ = run(recipes()[3], store, repository=repository)
    assert np.array_equal(names["frame"], FRAMES[123])
    assert list(names["virtual"]) == ["frames"]


def test_zarr_has_shards(store):
    array = run(recipes()[4], store)[0]["array"]
    assert np.array_equal(array[123], FRAMES[123])
    shard = store.remote.cat_file(f"{BUCKET}/run.zarr/c/0/0/0")
    assert shard.count(MAGIC) == 10
