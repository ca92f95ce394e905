"""The rest of the Python ecosystem, with the real libraries: each in a process of its own, as a
library that is imported changes the process."""

import h5h264
import h5py
import numpy as np
import pytest

from support import check_stored, movie, run_python, same_bytes

FRAMES = 'frames = movie((12, 50, 60), "<u2")'
# Libraries that bring a libhdf5 of their own know the filter by its folder.
WITH_PATH = {"HDF5_PLUGIN_PATH": h5h264.PLUGIN_PATH}


@pytest.fixture
def netcdf_path(path):
    """A dataset of ours that is a netCDF variable too."""
    frames = movie((12, 50, 60), "<u2")
    with h5py.File(path, "w", track_order=True) as file:
        dataset = h5h264.write(file, "frames", frames, chunks=(5, 50, 60))
        for i, name in enumerate("tyx"):
            file[name] = np.arange(frames.shape[i])
            file[name].make_scale(name)
            dataset.dims[i].attach_scale(file[name])
    return path


def test_pytables(path):
    script = f"""
        import sys, tables
        from support import movie, same_bytes
        {FRAMES}
        with tables.open_file(sys.argv[1]) as file:
            assert same_bytes(file.root.frames[2:9:3], frames[2:9:3])
        with tables.open_file(sys.argv[1], "a") as file:
            file.root.frames.append(frames)
        with tables.open_file(sys.argv[1]) as file:
            assert same_bytes(file.root.frames[12:], frames)
    """
    with h5py.File(path, "w") as file:
        h5h264.write(file, "frames", iter(movie((12, 50, 60), "<u2")), chunks=(5, 50, 60))
    run_python(script, path, **WITH_PATH)
    with h5py.File(path) as file:
        check_stored(file["frames"])
        assert same_bytes(h5h264.read(file["frames"], np.s_[12:]), movie((12, 50, 60), "<u2"))


def test_netcdf4(path):
    script = f"""
        import sys, netCDF4
        from support import movie, same_bytes
        {FRAMES}
        with netCDF4.Dataset(sys.argv[1], "w") as file:
            for name, n in zip("tyx", frames.shape):
                file.createDimension(name, None if name == "t" else n)
            # netCDF4 has no argument for filters that it does not know: those of HDF5 come from h5py.
            file.createVariable("plain", "u2", ("t", "y", "x"), chunksizes=(5, 50, 60))[:] = frames
        with netCDF4.Dataset(sys.argv[2], "a") as file:
            file.set_auto_mask(False)
            assert same_bytes(file["frames"][3:7], frames[3:7])
            file["frames"][3:7] = 9
    """
    with h5py.File(path, "w", track_order=True) as file:
        dataset = h5h264.write(file, "frames", movie((12, 50, 60), "<u2"), chunks=(5, 50, 60))
        for i, name in enumerate("tyx"):
            file[name] = np.arange(dataset.shape[i])
            file[name].make_scale(name)
            dataset.dims[i].attach_scale(file[name])
    run_python(script, path.with_suffix(".nc"), path, **WITH_PATH)
    expected = movie((12, 50, 60), "<u2")
    expected[3:7] = 9
    with h5py.File(path) as file:
        check_stored(file["frames"])
        assert same_bytes(h5h264.read(file["frames"]), expected)


def test_h5netcdf_and_xarray_write_and_read(path):
    script = f"""
        import sys, h5h264, xarray
        from support import movie, same_bytes
        {FRAMES}
        dataset = xarray.Dataset({{"frames": (("t", "y", "x"), frames)}}, coords={{"t": range(12)}})
        encoding = {{"frames": {{"chunksizes": (5, 50, 60), **h5h264.H264("superfast")}}}}
        dataset.to_netcdf(sys.argv[1], engine="h5netcdf", encoding=encoding, unlimited_dims=["t"])
        with xarray.open_dataset(sys.argv[1], engine="h5netcdf", chunks={{"t": 5}}) as found:
            assert found.frames.isel(t=slice(3, 9)).compute().identical(dataset.frames.isel(t=slice(3, 9)))
            assert (found.frames.mean("t").compute() == frames.mean(0)).all()
        print("done")
    """
    assert run_python(script, path) == "done\n"
    with h5py.File(path) as file:
        check_stored(file["frames"])
        assert h5h264.H264.from_dataset(file["frames"]).preset == "superfast"


@pytest.mark.parametrize("is_imported", [True, False])
def test_dask_workers_write_with_the_filter_or_not_at_all(path, tmp_path, is_imported):
    """Workers open the file that xarray has created, and HDF5 loads no plugin when it writes."""
    program = tmp_path / "program.py"
    program.write_text(
        """
import importlib, sys
import h5py, xarray
from distributed import Client, LocalCluster
from support import check_stored, movie, same_bytes

if __name__ == "__main__":
    frames = movie((12, 50, 60), "<u2")
    path, is_imported = sys.argv[1:]
    dataset = xarray.Dataset({"frames": (("t", "y", "x"), frames)}).chunk({"t": 5})
    encoding = {"frames": {"chunksizes": (5, 50, 60), "compression": 32010}}
    options = {"threads_per_worker": 1, "dashboard_address": ":0", "silence_logs": "CRITICAL"}
    with LocalCluster(n_workers=1, **options) as cluster, Client(cluster) as client:
        if is_imported == "True":
            client.run(importlib.import_module, "h5h264")
        try:
            dataset.to_netcdf(path, engine="h5netcdf", encoding=encoding)
        except OSError as error:
            print(error)
            sys.exit()
    with h5py.File(path) as file:
        check_stored(file["frames"])
        assert same_bytes(file["frames"][()], frames)
    print("written")
"""
    )
    script = "import runpy, sys; del sys.argv[0]; runpy.run_path(sys.argv[0], run_name='__main__')"
    output = run_python(script, program, path, is_imported, **WITH_PATH)
    assert ("written" if is_imported else "required filter 32010 is not registered") in output


def test_xarray_reads_through_netcdf4(netcdf_path):
    script = f"""
        import sys, xarray
        from support import movie, same_bytes
        {FRAMES}
        with xarray.open_dataset(sys.argv[1], engine="netcdf4", mask_and_scale=False) as found:
            assert same_bytes(found.frames.values, frames)
        print("done")
    """
    assert run_python(script, netcdf_path, **WITH_PATH) == "done\n"


@pytest.mark.parametrize("scheduler", ["threads", "processes"])
def test_dask(path, tmp_path, scheduler):
    """With processes, each loads its blocks itself: the import travels with the function."""
    program = tmp_path / "program.py"
    program.write_text(
        """
import sys
import dask.array, h5py, h5h264
import numpy as np
from support import check_stored, movie, same_bytes

def load(path, block_info=None):
    ((start, stop), *_) = block_info[None]["array-location"]
    with h5py.File(path, "r") as file:
        return h5h264.read(file["frames"], slice(start, stop), threads=1)

if __name__ == "__main__":
    path, scheduler = sys.argv[1:]
    frames = movie((12, 50, 60), "<u2")
    with h5py.File(path, "w") as file:
        h5h264.write(file, "frames", dask.array.from_array(frames, chunks=(7, 50, 60)), chunks=(5, 50, 60))
        check_stored(file["frames"])
    chunks = ((5, 5, 2), (50,), (60,))
    lazy = dask.array.map_blocks(load, path, chunks=chunks, dtype="<u2", meta=np.empty((0, 0, 0), "<u2"))
    assert same_bytes(lazy.compute(scheduler=scheduler), frames)
    with h5py.File(path, "r") as file:
        if scheduler == "threads":
            lazy = dask.array.from_array(file["frames"], chunks=(5, 50, 60))
            assert same_bytes((lazy + 1).compute(scheduler=scheduler), frames + 1)
    print("done")
"""
    )
    script = "import runpy, sys; del sys.argv[0]; runpy.run_path(sys.argv[0], run_name='__main__')"
    assert run_python(script, program, path, scheduler) == "done\n"


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_worker_processes_that_load_frames_in_random_order(path, tmp_path, method):
    """As PyTorch's DataLoader does it: the dataset object goes to each worker, which opens the file at
    its first frame. The parent has used threads and codecs before."""
    program = tmp_path / "program.py"
    program.write_text(
        """
import multiprocessing, os, random, sys
import h5py, h5h264
from support import movie, same_bytes

class Frames:
    def __init__(self, path):
        self.path, self.file = path, None

    def __getitem__(self, t):
        if self.file is None:
            self.file = h5py.File(self.path, "r")
        return t, os.getpid(), self.file["frames"][t], h5h264.read(self.file["frames"], t)

DATASET = Frames(sys.argv[1])

def load(t):
    return DATASET[t]

if __name__ == "__main__":
    frames = movie((12, 512, 512), "<u2")
    with h5py.File(sys.argv[1], "w") as file:
        h5h264.write(file, "frames", frames, chunks=(5, 512, 512), threads=2)
        assert same_bytes(h5h264.read(file["frames"], threads=2), frames)
    order = list(range(12)) * 3
    random.Random(0).shuffle(order)
    with multiprocessing.get_context(sys.argv[2]).Pool(2) as pool:
        for t, pid, plain, fast in pool.imap_unordered(load, order):
            assert pid != os.getpid() and same_bytes(plain, frames[t]) and same_bytes(fast, frames[t])
    print("done")
"""
    )
    script = "import runpy, sys; del sys.argv[0]; runpy.run_path(sys.argv[0], run_name='__main__')"
    assert run_python(script, program, path, method, H5H264_THREADS="2") == "done\n"


OURS = """
    with h5py.File(sys.argv[1], "w") as file:
        check_stored(h5h264.write(file, "frames", frames, preset="medium"))
        assert same_bytes(h5h264.read(file["frames"]), frames)
"""
THEIRS = {
    "av": """
    with av.open(sys.argv[2] + ".mkv", "w") as container:
        stream = container.add_stream("libx264", rate=25)
        # With loss, it does not make the same twice.
        stream.options = {"qp": "0"}
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="gray")))
        container.mux(stream.encode(None))
    with av.open(sys.argv[2] + ".mkv") as container:
        results.append([frame.to_ndarray().tobytes() for frame in container.decode(video=0)])
    """,
    "cv2": """
    writer = cv2.VideoWriter(sys.argv[2] + ".avi", cv2.VideoWriter_fourcc(*"MJPG"), 25, (64, 48), False)
    assert writer.isOpened()
    for frame in frames:
        writer.write(frame)
    writer.release()
    reader = cv2.VideoCapture(sys.argv[2] + ".avi")
    results.append([reader.read()[1].tobytes() for frame in frames])
    """,
}


@pytest.mark.parametrize("order", ["ours first", "theirs first"])
@pytest.mark.parametrize("library", THEIRS)
def test_libraries_that_bring_an_ffmpeg(path, tmp_path, library, order):
    """Each works as before when the other is there."""
    steps = [("h5h264", OURS), (library, THEIRS[library])]
    if order == "theirs first":
        steps.reverse()
    (first, use_first), (second, use_second) = steps
    script = f"""
    import sys
    import {first}
    import h5py
    import numpy as np
    from support import check_stored, movie, same_bytes
    frames, results = movie((10, 48, 64), "u1"), []
    {use_first}
    import {second}
    {use_second}
    {use_first}
    {use_second}
    assert results[0] == results[1] and len(results[0]) == len(frames)
    print("done")
    """
    assert run_python(script, path, tmp_path / "movie") == "done\n"


def test_three_libhdf5_in_one_process_write_through_the_filter(netcdf_path):
    script = f"""
        import sys, warnings, h5py, h5h264, netCDF4, tables
        from support import check_stored, movie, same_bytes
        warnings.simplefilter("ignore", tables.exceptions.DataTypeWarning)
        path = sys.argv[1]
        {FRAMES}

        def read_all(expected):
            with h5py.File(path, "r") as file:
                check_stored(file["frames"])
                assert same_bytes(h5h264.read(file["frames"]), expected)
            with tables.open_file(path) as file:
                assert same_bytes(file.root.frames[:], expected)
            with netCDF4.Dataset(path) as file:
                file.set_auto_mask(False)
                assert same_bytes(file["frames"][:], expected)

        read_all(frames)
        with tables.open_file(path, "a") as file:
            file.root.frames[:] = frames + 1
        read_all(frames + 1)
        with netCDF4.Dataset(path, "a") as file:
            file["frames"][:] = frames[::-1]
        read_all(frames[::-1])
        with h5py.File(path, "a") as file:
            del file["frames"]
            h5h264.write(file, "frames", frames + 2, chunks=(5, 50, 60))
            for i, name in enumerate("tyx"):
                file["frames"].dims[i].attach_scale(file[name])
        read_all(frames + 2)
        print("done")
    """
    assert run_python(script, netcdf_path, **WITH_PATH) == "done\n"


def test_hdf5plugin_beside_it(path):
    pytest.importorskip("hdf5plugin")
    script = f"""
        import sys, hdf5plugin, h5py, h5h264
        from support import check_stored, movie, same_bytes
        {FRAMES}
        with h5py.File(sys.argv[1], "w") as file:
            check_stored(h5h264.write(file, "frames", frames))
            zstd = file.create_dataset("zstd", data=frames, chunks=frames.shape, compression=hdf5plugin.Zstd())
            assert same_bytes(h5h264.read(file["frames"]), h5h264.read(zstd))
        print("done")
    """
    assert run_python(script, path) == "done\n"
