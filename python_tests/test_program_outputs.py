"""What the program h5h264 writes: the samples that are there, in files that are whole or not there at all."""

import os
import resource
import signal
import subprocess
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
from program import PROGRAM, frames, in_a_folder_of_its_own, run, take_signals  # noqa: F401
from support import create, movie


def test_export_gives_the_samples():
    arrays = {"a": frames(11), "b": frames(11).astype(">i4"), "c": movie((2, 3, 16, 20), "f8"), "d": frames(2, "u1")}
    with h5py.File("in.h5", "w") as file:
        for name, array in arrays.items():
            create(file, array, name=name)
    for name, array in arrays.items():
        run("export", f"in.h5:/{name}", f"{name}.npy")
        assert np.array_equal(np.load(f"{name}.npy"), array)
        run("export", f"in.h5:/{name}", f"{name}.tif")
        files = sorted(Path().glob(f"{name}_*.tif"))
        read = np.stack([tifffile.imread(file) for file in files])
        assert np.array_equal(read, array.reshape(-1, *array.shape[-2:]))
    run("export", "in.h5:/a", "a.png")
    run("convert", *sorted(Path().glob("a_*.png")), "--output", "again.h5")
    with h5py.File("again.h5") as file:
        assert np.array_equal(file["frames"], arrays["a"]) and file["frames"].dtype == "u2"
        assert file["names"].asstr()[3] == "a_03.png"
    assert "PNG has samples of" in run("export", "in.h5:/c", "c.png", status=1).stderr
    assert "no dataset is named" in run("export", "in.h5", "c.npy", status=1).stderr


def integer(bits, offset, size, base="u"):
    datatype = h5py.h5t.STD_U64LE.copy() if base == "u" else h5py.h5t.STD_I64LE.copy()
    datatype.set_precision(bits)
    datatype.set_offset(offset)
    datatype.set_size(size)
    return datatype


def brain_float():
    datatype = h5py.h5t.IEEE_F32LE.copy()
    datatype.set_fields(15, 7, 8, 0, 7)
    datatype.set_size(2)
    datatype.set_ebias(127)
    return datatype


@pytest.mark.parametrize(
    "datatype, dtype",
    [
        (integer(12, 4, 2), "u2"), (integer(12, 0, 2), "u2"), (integer(24, 0, 3, "i"), "i4"),
        (integer(40, 8, 8), "u8"), (brain_float(), "f4"), (h5py.h5t.py_create(np.dtype(">f2")), "f2"),
        (h5py.h5t.py_create(np.dtype(">f8")), "f8"),
    ],
)
def test_export_gives_the_values_of_unusual_types(datatype, dtype):
    values = (movie((3, 64, 80), "u2") % 128).astype(dtype)
    if dtype.startswith("i"):
        values[0] *= -1
    with h5py.File("in.h5", "w") as file:
        space = h5py.h5s.create_simple(values.shape)
        dataset = h5py.h5d.create(file.id, b"frames", datatype, space)
        dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, np.ascontiguousarray(values))
    run("export", "in.h5:/frames", "out.npy")
    found = np.load("out.npy")
    assert found.dtype == dtype and np.array_equal(found, values)
    if dtype == "f2":
        return
    run("export", "in.h5:/frames", "out.tif")
    found = np.stack([tifffile.imread(f"out_{i}.tif") for i in range(3)])
    assert found.dtype == dtype and np.array_equal(found, values)


def test_export_refuses_what_no_type_has():
    with h5py.File("in.h5", "w") as file:
        file["frames"] = np.zeros((3, 8, 8), np.longdouble)
    assert "expected floats that float64 has" in run("export", "in.h5:/frames", "out.npy", status=1).stderr


@pytest.mark.parametrize("shape, chunks", [((600, 512, 512), (600, 512, 512)), ((600, 512, 512), (300, 64, 512))])
@pytest.mark.parametrize("name", ["out.npy", "out.png"])
def test_export_decodes_large_chunks_once(shape, chunks, name):
    images = np.zeros(shape, "u1")
    images[:, 3, 3] = np.arange(600) % 256
    with h5py.File("in.h5", "w") as file:
        file.create_dataset("frames", data=images, chunks=chunks, compression=1)
    run("export", "in.h5:/frames", name, timeout=60)
    if name == "out.npy":
        assert np.array_equal(np.load(name), images)
    else:
        assert len(list(Path().glob("out_*.png"))) == 600


def test_export_of_a_series_is_all_or_nothing():
    with h5py.File("fr_00.png", "w") as file:
        create(file, frames(20, "u1"), name="d", chunks=(1, 64, 80))
    before = Path("fr_00.png").read_bytes()
    assert "the output is the input fr_00.png" in run("export", "fr_00.png:/d", "fr.png", status=1).stderr
    assert os.listdir() == ["fr_00.png"] and Path("fr_00.png").read_bytes() == before
    os.rename("fr_00.png", "in.h5")
    with h5py.File("in.h5", "r+") as file:
        info = file["d"].id.get_chunk_info(15)
    with open("in.h5", "r+b") as file:
        file.seek(info.byte_offset)
        file.write(bytes(info.size))
    Path("fr_03.png").write_text("old")
    run("export", "in.h5:/d", "fr.png", status=1)
    assert sorted(os.listdir()) == ["fr_03.png", "in.h5"] and Path("fr_03.png").read_text() == "old"
    os.mkdir("fr_19.png")
    assert "fr_19.png is a folder" in run("export", "in.h5:/d", "fr.png", status=1).stderr


def test_outputs_are_regular_files_with_the_mode_and_the_links_that_they_had():
    with h5py.File("in.h5", "w") as file:
        file["d"] = frames(3)
    os.mkfifo("fifo.npy")
    os.symlink("/dev/null", "null.npy")
    for name in "fifo.npy", "null.npy":
        assert "is not a regular file" in run("export", "in.h5:/d", name, status=1).stderr
    assert Path("fifo.npy").is_fifo() and Path("/dev/null").is_char_device()
    os.mkdir("a")
    Path("a/old.npy").write_text("old")
    os.chmod("a/old.npy", 0o640)
    os.symlink("a/old.npy", "link.npy")
    os.symlink("a/new.npy", "dangling.npy")
    for link, target in ("link.npy", "a/old.npy"), ("dangling.npy", "a/new.npy"):
        run("export", "in.h5:/d", link)
        assert Path(link).is_symlink() and np.array_equal(np.load(target), frames(3))
    assert Path("a/old.npy").stat().st_mode & 0o777 == 0o640
    os.symlink("in.h5", "in.npy")
    assert "the output is the input" in run("export", "in.h5:/d", "in.npy", status=1).stderr


def test_folders_are_made_for_outputs_only():
    with h5py.File("in.h5", "w") as file:
        file["d"] = frames(3, "f4")
    tifffile.imwrite("1.tif", frames(1)[0])
    tifffile.imwrite("2.tif", frames(1, "u1")[0])
    before = sorted(os.listdir())
    run("export", "in.h5:/d", "nd/a/b/x.png", status=1)
    run("convert", "1.tif", "2.tif", "-o", "nd/a/b/x", status=1)
    assert sorted(os.listdir()) == before
    run("export", "in.h5:/d", "nd/a/x.npy")
    assert os.listdir("nd/a") == ["x.npy"]


def test_long_names_and_many_threads_are_no_problem():
    with h5py.File("in.h5", "w") as file:
        file["d"] = frames(3)
    name = 251 * "n" + ".npy"
    run("export", "in.h5:/d", name)
    assert np.array_equal(np.load(name), frames(3))
    run("export", "in.h5:/d", "x.png", "--threads", "100000")


def test_errors_are_said_once():
    Path("x.tif").write_bytes(b"II*\0")
    os.mkdir("folder")
    with h5py.File("in.h5", "w") as file:
        file["d"] = frames(3)
    for arguments in [("convert", "x.tif", "-o", "x"), ("export", "in.h5:/d", "in.h5/x.npy"),
                      ("convert", "none.tif", "-o", "x"), ("export", "in.h5:/d", 256 * "n" + ".npy")]:
        parts = run(*arguments, status=1).stderr.strip().split(": ")
        assert len(set(parts)) == len(parts), parts


def write_large():
    with h5py.File("large.h5", "w") as file:
        file["frames"] = np.random.default_rng(1).integers(0, 60000, (400, 256, 256), "u2")


def started(output, **kwargs):
    """Starts an export, and waits until it is writing."""
    kwargs = dict(stderr=subprocess.PIPE, preexec_fn=take_signals) | kwargs
    process = subprocess.Popen([PROGRAM, "export", "large.h5:/frames", output], **kwargs)

    def is_writing():
        parts = [path for part in Path().rglob(".x*.part") for path in [part, *part.rglob("*")]]
        return any(path.is_file() and path.stat().st_size > 1000 for path in parts)

    while process.poll() is None and not is_writing():
        time.sleep(0.001)
    return process


@pytest.mark.parametrize("stop", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("name", ["new/x.npy", "x.png"])
def test_signals_are_the_end_and_leave_nothing(stop, name):
    write_large()
    process = started(name)
    process.send_signal(stop)
    assert process.wait() == 128 + stop
    assert os.listdir() == ["large.h5"]


def test_signals_that_are_ignored_stay_so():
    write_large()
    process = started("x.npy", preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    while process.poll() is None:
        process.send_signal(signal.SIGHUP)
        time.sleep(0.001)
    assert process.returncode == 0
    with h5py.File("large.h5") as file:
        assert np.array_equal(np.load("x.npy"), file["frames"])


@pytest.mark.parametrize("name", ["x.npy", "x.png"])
def test_a_limit_of_file_sizes_is_an_error(name):
    write_large()
    n_bytes = (3 << 20) if name == "x.npy" else 1000
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, n_bytes))  # noqa: E731
    error = run("export", "large.h5:/frames", name, status=1, preexec_fn=limit, restore_signals=True).stderr
    assert "can't write" in error and "too large" in error
    assert os.listdir() == ["large.h5"]


def test_verify_tells_of_damage_though_nobody_reads():
    with h5py.File("in.h5", "w") as file:
        file.create_dataset("d", data=frames(), chunks=(1, 64, 80), compression="gzip")
        places = [file["d"].id.get_chunk_info(i).byte_offset for i in range(20)]
    with open("in.h5", "r+b") as file:
        for place in places:
            file.seek(place)
            file.write(bytes(20))
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([PROGRAM, "verify", "in.h5"], stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert (done.returncode, done.stderr) == (1, "h5h264: damage in 20 places\n")
