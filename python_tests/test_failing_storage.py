"""Whichever write fails, of data, of metadata or of a name: outputs are whole or absent, and inputs as they were."""

import os
import subprocess
from pathlib import Path

import h5py
import numpy as np
import pytest
from program import PROGRAM, frames, in_a_folder_of_its_own, run  # noqa: F401
from support import TESTS

COMMANDS = {
    "repack": ["repack", "in.h5", "out.h5"],
    "virtual": ["virtual", "--inputs", "in.h5,copy.h5", "--output", "out.h5", "--dataset", "frames"],
    "merge": ["merge", "--inputs", "in.h5,copy.h5", "--output", "out.h5"],
    "convert": ["convert", "images", "--output", "out.h5"],
    "convert video": ["convert", "in.mkv", "--output", "out.h5"],
    "export": ["export", "in.h5:/frames", "out.npy"],
    "export video": ["export", "in.h5:/frames", "out.mkv"],
    "export images": ["export", "in.h5:/frames", "out.png"],
    "export stack": ["export", "in.h5:/frames", "out.ome.tif"],
}
MOST = 25


@pytest.fixture(scope="session")
def failing_storage(tmp_path_factory):
    library = tmp_path_factory.mktemp("library") / "failing_storage.so"
    source = TESTS / "failing_storage.c"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-Wall", "-o", library, source, "-ldl"], check=True)
    return library


def write_inputs():
    with h5py.File("in.h5", "w") as file:
        file.create_dataset("frames", data=frames(40, "u1"), chunks=(5, 64, 80), compression=32010)
        file["frames"].attrs["unit"] = "ADU"
        file["table"] = np.arange(1000)
        file["references"] = np.array([file["frames"].ref, file["table"].ref], h5py.ref_dtype)
    Path("copy.h5").write_bytes(Path("in.h5").read_bytes())
    run("export", "in.h5:/frames", "in.mkv")
    Path("images").mkdir()
    run("export", "in.h5:/frames", "images/frame.png")


def contents(*paths):
    files = (file for path in paths for file in ([path] if path.is_file() else sorted(path.rglob("*"))))
    return {file: file.read_bytes() for file in files if file.is_file()}


def outputs():
    return sorted(path for path in Path().iterdir() if "out" in path.name)


@pytest.mark.parametrize("command", COMMANDS)
def test_outputs_are_whole_or_absent(command, failing_storage):
    write_inputs()
    inputs = sorted(Path().iterdir())
    before = contents(*inputs)
    arguments = COMMANDS[command]

    def attempt(**variables):
        environment = os.environ | {"LD_PRELOAD": str(failing_storage)} | variables
        return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, env=environment)

    assert attempt(COUNT_CALLS="n_calls").returncode == 0
    whole = contents(*outputs())
    n_calls = int(Path("n_calls").read_text())
    Path("n_calls").unlink()
    assert n_calls > 0
    # From the first to the last.
    for call in sorted({1 + i * (n_calls - 1) // MOST for i in range(MOST + 1)}):
        for path in outputs():
            path.unlink()
        done = attempt(FAILING_CALL=str(call))
        if done.returncode == 0:
            assert contents(*outputs()).keys() == whole.keys(), (call, n_calls)
        else:
            assert done.returncode == 1, (call, n_calls, done)
            assert done.stderr.startswith("h5h264: ") and done.stderr.count("\n") == 1, (call, done.stderr)
            assert not outputs(), (call, n_calls)
        assert contents(*inputs) == before
