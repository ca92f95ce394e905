"""Commands that are killed, or find the disk full, leave no output."""

import os
import resource
import signal
import subprocess
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
from program import PROGRAM, frames, in_a_folder_of_its_own, run, take_signals  # noqa: F401


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
