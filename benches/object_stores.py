"""Requests and bytes for reading one frame of a dataset that is in an object store.

    .venv-wheel/bin/python benches/object_stores.py

A server of S3's protocol (moto) runs on this machine and counts. Times are not measured: a store's are those of its requests,
20 to 100 ms each, and of its bytes. The dataset has 10,000 frames of 128 × 128 uint16 in 1000 chunks of ten. Each way opens it in
a process that has read nothing before (its first frame), and then reads another frame elsewhere (the next). Frames are compared
with what was written.
"""

import sys
from pathlib import Path

import fsspec
import h5h264
import h5py
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "python" / "tests"))
from s3_server import BUCKET, serve  # noqa: E402

SHAPE, CHUNK = (10_000, 128, 128), (10, 128, 128)
FIRST, NEXT = 7345, 2681
PAGE = 1 << 20
# Chunks that differ; a file has them over and over again.
N_DIFFERENT = 7

rng = np.random.default_rng(1)
picture = rng.normal(2500, 200, CHUNK[1:]).astype("uint16")
CHUNKS = [picture + rng.poisson(40, CHUNK).astype("uint16") for _ in range(N_DIFFERENT)]
STORED = [h5h264.encode(chunk) for chunk in CHUNKS]


def frame(i):
    return CHUNKS[i // CHUNK[0] % N_DIFFERENT][i % CHUNK[0]]


def write_hdf5(fs, name, *, grows=True, **kwargs):
    """A file as a writer of chunks makes it, with some other things in it."""
    path = f"/tmp/{name}"
    with h5py.File(path, "w", **kwargs) as file:
        for i in range(20):
            file.create_group(f"entry/instrument/part{i}").attrs["name"] = f"part {i}"
        dataset = file.create_dataset(
            "entry/data/frames", SHAPE, "uint16", chunks=CHUNK, maxshape=(None, *SHAPE[1:]) if grows else SHAPE,
            compression=h5h264.H264(),
        )
        for i in range(SHAPE[0] // CHUNK[0]):
            dataset.id.write_direct_chunk((CHUNK[0] * i, 0, 0), STORED[i % N_DIFFERENT])
    fs.put_file(path, f"{BUCKET}/{name}")
    Path(path).unlink()


def measure(server, what, open_):
    server.take()
    dataset = open_()
    numbers = []
    for i in (FIRST, NEXT):
        assert np.array_equal(dataset[i], frame(i)), what
        n_requests, n_bytes = server.take()
        numbers += [n_requests, n_bytes / 1e6]
    print("| {} | {} | {:.2f} | {} | {:.2f} |".format(what, *numbers), flush=True)


def hdf5(server, name, cache_type, block_bytes, **kwargs):
    def open_():
        fs = fsspec.filesystem("s3", skip_instance_cache=True, **server.fsspec_options)
        file = fs.open(f"{BUCKET}/{name}", "rb", cache_type=cache_type, block_size=block_bytes)
        return h5py.File(file, **kwargs)["entry/data/frames"]

    return open_


def references(server, fs):
    import ujson
    import zarr
    from h5h264.zarr import references

    url = f"s3://{BUCKET}/latest.h5"
    with fs.open(url) as file:
        found = references(file, url=url, storage_options=server.fsspec_options)
    fs.pipe_file(f"{BUCKET}/references.json", ujson.dumps(found).encode())

    def open_():
        options = {**server.fsspec_options, "skip_instance_cache": True}
        store = fsspec.filesystem(
            "reference", fo=f"s3://{BUCKET}/references.json", target_options=options, remote_protocol="s3",
            remote_options={**options, "asynchronous": True}, asynchronous=True, skip_instance_cache=True,
        )
        return zarr.open_group(zarr.storage.FsspecStore(store), mode="r", zarr_format=2)["entry/data/frames"]

    return open_


def icechunk_references(server):
    import icechunk
    import zarr
    from h5h264.zarr import HDFParser
    from obspec_utils.registry import ObjectStoreRegistry
    from obstore.store import S3Store
    from virtualizarr import open_virtual_dataset

    bucket = f"s3://{BUCKET}/"
    registry = ObjectStoreRegistry({bucket: S3Store(BUCKET, **server.obstore_options)})
    virtual = open_virtual_dataset(f"{bucket}latest.h5", registry, HDFParser(group="entry/data"))
    options = {"endpoint_url": server.endpoint, "allow_http": True, "force_path_style": True, "region": "us-east-1"}
    config = icechunk.RepositoryConfig.default()
    store = icechunk.s3_store(**{**options, "s3_compatible": True})
    config.set_virtual_chunk_container(icechunk.VirtualChunkContainer(bucket, store))
    keys = icechunk.s3_credentials(access_key_id="key", secret_access_key="secret")

    def storage():
        return icechunk.s3_storage(
            bucket=BUCKET, prefix="icechunk", access_key_id="key", secret_access_key="secret", **options
        )

    allowed = icechunk.containers_credentials({bucket: keys})
    repository = icechunk.Repository.create(storage(), config, authorize_virtual_chunk_access=allowed)
    session = repository.writable_session("main")
    virtual.vz.to_icechunk(session.store)
    session.commit("frames")

    def open_():
        repository = icechunk.Repository.open(storage(), config, authorize_virtual_chunk_access=allowed)
        return zarr.open_group(repository.readonly_session("main").store, mode="r")["frames"]

    return open_


def zarr_array(server, name, **kwargs):
    import zarr
    from h5h264.zarr import H264Serializer
    from obstore.store import S3Store

    def store():
        return zarr.storage.ObjectStore(S3Store(BUCKET, prefix=name, **server.obstore_options))

    array = zarr.create_array(
        store(), shape=SHAPE, dtype="uint16", chunks=CHUNK, serializer=H264Serializer(), compressors=None, **kwargs
    )
    n = kwargs.get("shards", CHUNK)[0]
    for start in range(0, SHAPE[0], n):
        array[start : start + n] = np.concatenate(
            [CHUNKS[i % N_DIFFERENT] for i in range(start // CHUNK[0], (start + n) // CHUNK[0])]
        )
    return lambda: zarr.open_array(store(), mode="r")


def main():
    with serve() as server:
        fs = fsspec.filesystem("s3", **server.fsspec_options)
        write_hdf5(fs, "default.h5")
        write_hdf5(fs, "latest.h5", libver="latest", grows=False)
        write_hdf5(fs, "growing.h5", libver="latest")
        write_hdf5(fs, "paged.h5", libver="latest", grows=False, fs_strategy="page", fs_page_size=PAGE)
        print(f"chunks of {len(STORED[0]) / 1e6:.2f} MB, file of {fs.size(f'{BUCKET}/default.h5') / 1e6:.0f} MB")
        print("| | requests | MB | requests, next | MB, next |")
        print("|---|--:|--:|--:|--:|")
        for cache_type in ["readahead", "bytes", "blockcache", "background", "first", "mmap", "none"]:
            measure(server, f"h5py, default file, {cache_type} of 5 MiB", hdf5(server, "default.h5", cache_type, 5 << 20))
        for name in ["default", "growing", "latest", "paged"]:
            for mib in [1, 4]:
                measure(server, f"h5py, {name}, blockcache of {mib} MiB", hdf5(server, f"{name}.h5", "blockcache", mib << 20))
        for name in ["default", "growing", "latest", "paged"]:
            measure(server, f"h5py, {name}, first of 1 MiB", hdf5(server, f"{name}.h5", "first", 1 << 20))
        measure(
            server, "h5py, paged, page buffer, no cache",
            hdf5(server, "paged.h5", "none", PAGE, page_buf_size=16 * PAGE),
        )
        measure(server, "references (kerchunk)", references(server, fs))
        measure(server, "references (icechunk)", icechunk_references(server))
        measure(server, "Zarr, an object for each chunk", zarr_array(server, "chunks.zarr"))
        measure(server, "Zarr, shards of 100 chunks", zarr_array(server, "shards.zarr", shards=(1000, *CHUNK[1:])))


if __name__ == "__main__":
    main()
