"""The wheel: what is in it, what importing it does, and what it does without."""

import importlib.metadata
import os
import re
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import h5h264
import h5py
import numpy as np
import pytest
from conftest import ROOT
from h5h264 import _program

from support import run_python, stored_chunks

PROGRAM = _program.program()
BINARIES = [*Path(h5h264.PLUGIN_PATH).iterdir(), PROGRAM]
C_LIBRARY = ("libc.so", "libm.so", "libgcc_s.so", "libpthread.so", "libdl.so", "ld-linux", "linux-vdso")


@pytest.fixture(scope="module")
def wheel():
    return ROOT / os.environ["H5H264_WHEEL"]


def test_the_wheel_is_small_and_for_every_python(wheel):
    assert wheel.stat().st_size <= 12 * 2**20
    assert re.fullmatch(r"h5h264-[\d.]+-py3-none-(manylinux|linux|macosx)_\w+\.whl", wheel.name)
    names = zipfile.ZipFile(wheel).namelist()
    plugins = [name for name in names if name.startswith("h5h264/plugins/")]
    assert sorted(plugin.split("/lib")[-1].split(".")[0] for plugin in plugins) == ["h5calib", "h5h264"]
    assert "h5h264/py.typed" in names
    assert {"LICENSE.BSD-2-Clause", "LICENSE.GPL-2.0"} <= {Path(name).name for name in names}


def test_the_version_is_that_of_the_plugin():
    (version,) = re.findall(r'(?m)^version = "(.*)"', (ROOT / "Cargo.toml").read_text())
    assert h5h264.__version__ == version


@pytest.mark.skipif(sys.platform != "linux", reason="ldd")
@pytest.mark.parametrize("binary", BINARIES, ids=lambda binary: binary.stem)
def test_the_binaries_need_the_c_library_only(binary):
    if b"libavcodec.so" in binary.read_bytes():
        pytest.skip("built where there are no sources of FFmpeg, and so with the system's")
    needed = [line.split()[0].split("/")[-1] for line in ldd(binary)]
    assert needed
    assert [name for name in needed if not name.startswith(C_LIBRARY)] == []


@pytest.mark.skipif(sys.platform != "linux", reason="auditwheel is for Linux")
def test_the_wheel_is_for_the_systems_that_its_name_says(wheel):
    audit = [sys.executable, "-m", "auditwheel", "show", wheel]
    shown = subprocess.run(audit, capture_output=True, text=True, check=True).stdout
    (policy,) = re.findall(r'consistent with the\s+following platform tag:\s+"(\w+)"', shown)
    assert wheel.stem.endswith(policy)


@pytest.mark.skipif(not os.environ.get("H5H264_GLIBC"), reason="built by the system's compiler, without Zig")
@pytest.mark.parametrize("binary", BINARIES, ids=lambda binary: binary.stem)
def test_the_binaries_run_where_glibc_is_old(binary):
    table = subprocess.run(["objdump", "-T", binary], capture_output=True, text=True, check=True).stdout
    versions = {tuple(map(int, version.split("."))) for version in re.findall(r"GLIBC_([\d.]+)", table)}
    newest_allowed = tuple(map(int, os.environ["H5H264_GLIBC"].split(".")))
    assert (2, 2, 5) in versions or (2, 17) in versions
    assert max(versions) <= newest_allowed


def ldd(binary):
    return subprocess.run(["ldd", binary], capture_output=True, text=True, check=True).stdout.splitlines()


def test_importing_it_is_enough_to_write_and_to_read(path):
    write = """
        import sys, h5py, h5h264
        from support import check_stored, movie
        with h5py.File(sys.argv[1], "w") as file:
            dataset = file.create_dataset("frames", data=movie((5, 40, 60), "<u2"), chunks=(2, 40, 60),
                                          **h5h264.H264("superfast"))
            check_stored(dataset)
    """
    read = """
        import sys, h5py
        from support import movie, same_bytes
        file = h5py.File(sys.argv[1])
        try:
            file["frames"][()]
        except OSError as error:
            print("without it:", type(error).__name__)
        import h5h264
        assert same_bytes(file["frames"][()], movie((5, 40, 60), "<u2"))
    """
    assert run_python(write, path) == ""
    assert run_python(read, path) == "without it: OSError\n"


def test_importing_it_is_enough_to_make_and_to_read_views(path):
    make = """
        import sys, h5py, h5h264
        import numpy as np
        with h5py.File(sys.argv[1], "w") as file:
            raw = np.arange(4 * 40 * 60, dtype="<u2").reshape(4, 40, 60)
            file.create_dataset("raw", data=raw, chunks=(2, 40, 60), compression=h5h264.H264())
            file["calib"] = np.full((2, 40, 60), [[[5]], [[7]]], "f4")
            view = h5h264.calib.create_processed(file, raw.shape)
            print(view.id.get_storage_size(), h5h264.calib.describe(view).calib_alg)
    """
    read = """
        import sys, h5py, h5h264
        import numpy as np
        raw = np.arange(4 * 40 * 60, dtype="<u2").reshape(4, 40, 60).astype("f4")
        pedestals = np.array([5, 7, 5, 7], "f4")[:, None, None]
        print(np.array_equal(h5py.File(sys.argv[1])["processed"][()], raw - pedestals))
    """
    assert run_python(make, path) == f"{4 * 44} AGIPD_v1\n"
    assert run_python(read, path) == "True\n"


def test_a_process_that_only_appends_needs_nothing_else(path):
    """HDF5 does not look for plugins when chunks are written to a dataset that exists."""
    with h5py.File(path, "w") as file:
        file.create_dataset("frames", (4, 40, 60), "u1", chunks=(2, 40, 60), compression=h5h264.H264())
    script = """
        import sys, h5py, h5h264
        with h5py.File(sys.argv[1], "a") as file:
            file["frames"][...] = 7
    """
    run_python(script, path)
    with h5py.File(path) as file:
        assert {mask for _, mask, _ in stored_chunks(file["frames"])} == {0}


def test_a_filter_that_is_registered_already_stays(path):
    """One from HDF5_PLUGIN_PATH, or of another package: here one that gives itself away."""
    script = """
        import ctypes, sys, h5py
        from support import movie

        class Class(ctypes.Structure):
            _fields_ = [("version", ctypes.c_int), ("id", ctypes.c_int), ("encoder", ctypes.c_uint),
                        ("decoder", ctypes.c_uint), ("name", ctypes.c_char_p)]
            _fields_ += [(name, ctypes.c_void_p) for name in ("can_apply", "set_local", "filter")]
        calls = []
        size, pointer = ctypes.c_size_t, ctypes.c_void_p
        signature = ctypes.CFUNCTYPE(size, ctypes.c_uint, size, pointer, size, pointer, pointer)
        function = signature(lambda flags, n, values, n_bytes, *buffer: calls.append(flags) or n_bytes)
        other = Class(1, 32010, 1, 1, b"other", None, None, ctypes.cast(function, ctypes.c_void_p))
        h5py.h5z.register_filter(ctypes.addressof(other))
        import h5h264
        assert h5h264.register() is False
        with h5py.File(sys.argv[1], "w") as file:
            file.create_dataset("frames", data=movie((2, 40, 60), "u1"), chunks=(2, 40, 60), compression=32010)
        print(len(calls), flush=True)
    """
    assert run_python(script, path) == "1\n"


def test_the_module_says_where_the_plugin_is():
    lines = run_python(
        "import runpy, sys; sys.argv[0] = 'x'; runpy.run_module('h5h264', run_name='__main__')"
    )
    lines = lines.splitlines()
    assert lines[0] == h5h264.PLUGIN_PATH
    assert lines[1].startswith(f"h5h264 {h5h264.__version__}, h5py {h5py.__version__} with HDF5 ")
    assert lines[2] == "h5py sees the filter, 32010, as the package has registered it"


def test_the_module_says_so_when_another_filter_has_the_id(path):
    script = """
        import ctypes, runpy, h5py, os
        os.environ["HDF5_PLUGIN_PATH"] = "/nowhere"
        import h5h264
        h5py.h5z.unregister_filter(32010)
        try:
            runpy.run_module("h5h264", run_name="__main__")
        except SystemExit as exit:
            print(exit.code)
    """
    lines = run_python(script).splitlines()
    assert lines[2].startswith("h5py does not see the filter: ")
    assert lines[3] == "1"


def test_other_programs_find_the_plugin_by_its_path(path):
    frames = np.arange(2 * 40 * 60, dtype="<u2").reshape(2, 40, 60)
    with h5py.File(path, "w") as file:
        h5h264.write(file, "frames", frames)
    environment = {**os.environ, "HDF5_PLUGIN_PATH": h5h264.PLUGIN_PATH}
    command = ["h5dump", "-d", "frames", "-y", "-w", "0", str(path)]
    dumped = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    numbers = re.findall(r"\d+", dumped.split("DATA {")[1])
    assert [int(number) for number in numbers] == list(range(2 * 40 * 60))


OLDEST_H5PY = "3.7"


def test_the_oldest_h5py(path):
    """Debian's, with its own libhdf5 and its own NumPy, imports the installed package."""
    python = "/usr/bin/python3"
    found = run_python("import h5py; print(h5py.__version__)", python=python).strip()
    if not found.startswith(f"{OLDEST_H5PY}."):
        pytest.skip(f"this system's h5py is {found}")
    folder = path.parent / "site-packages"
    folder.mkdir()
    installed = Path(sysconfig.get_path("purelib"))
    for name in ("h5h264", f"h5h264-{h5h264.__version__}.dist-info"):
        (folder / name).symlink_to(installed / name)
    script = """
        import sys
        sys.path.insert(0, sys.argv[2])
        import h5py, h5h264
        import numpy as np
        from support import check_stored, movie, same_bytes
        frames = movie((7, 40, 60), "<u2")
        with h5py.File(sys.argv[1], "w") as file:
            check_stored(h5h264.write(file, "array", frames, chunks=(2, 40, 60), preset="superfast"))
            check_stored(h5h264.write(file, "generator", iter(frames), chunks=(2, 40, 60)))
            check_stored(h5h264.write(file, "generator", frames, append=True))
            assert same_bytes(h5h264.read(file["array"]), frames)
            assert same_bytes(h5h264.read(file["generator"], np.s_[7:, ::2]), frames[:, ::2])
            assert h5h264.H264.from_dataset(file["array"]) == h5h264.H264("superfast")
            assert h5h264.info(file["array"]).ratio > 1
        stored = h5h264.encode(frames)
        assert same_bytes(h5h264.decode(stored, "<u2", frames.shape), frames)
        h5h264.save(sys.argv[1], {"frames": frames, "n": 7, "text": "x", "none": None})
        tree = h5h264.load(sys.argv[1])
        assert same_bytes(tree.pop("frames"), frames) and tree == {"n": 7, "text": "x", "none": None}
        print("done")
    """
    assert run_python(script, path, folder, python=python, PYTHONDONTWRITEBYTECODE="1") == "done\n"


def test_the_oldest_h5py_is_the_one_that_is_asked_for():
    assert f"h5py>={OLDEST_H5PY}" in importlib.metadata.requires("h5h264")
