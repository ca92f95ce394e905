"""The program that comes with the package."""

import subprocess
import sysconfig
import urllib.request
from pathlib import Path

import h5py
import numpy as np

import h5h264
from h5h264 import _program


def run(*arguments):
    return subprocess.run([_program.program(), *arguments], check=True, capture_output=True, text=True).stdout


def test_it_runs_where_pip_puts_it(tmp_path):
    assert _program.program() == Path(sysconfig.get_path("scripts"), "h5h264").resolve()
    assert run("--version") == f"h5h264 {h5h264.__version__}\n"
    assert Path(run("plugin-path").strip()) == Path(h5h264.PLUGIN_PATH).resolve()


def test_it_repacks_what_h5py_wrote_and_h5py_reads_it(tmp_path):
    frames = np.random.default_rng(1).poisson(100, (12, 64, 80)).astype("u2")
    with h5py.File(tmp_path / "in.h5", "w") as file:
        file["frames"] = frames
    run("repack", tmp_path / "in.h5", tmp_path / "out.h5")
    assert "h5h264 ultrafast" in run("info", tmp_path / "out.h5")
    with h5py.File(tmp_path / "out.h5") as file:
        assert np.array_equal(file["frames"], frames)
        assert h5h264.info(file["frames"]).preset == "ultrafast"


def test_the_program_has_the_page(tmp_path):
    with h5py.File(tmp_path / "file.h5", "w") as file:
        file["x"] = [1]
    command = [_program.program(), "view", "--no-open", tmp_path / "file.h5"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            url = server.stdout.readline().strip()
            opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
            with opener.open(url) as page:
                assert b"<script" in page.read()
        finally:
            server.terminate()
