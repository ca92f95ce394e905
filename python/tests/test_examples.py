"""The scripts and notebooks of examples/ run, and are all described."""

import os
import subprocess
import sys
import sysconfig

import nbformat
import pytest
from conftest import ROOT
from nbclient import NotebookClient

EXAMPLES = ROOT / "examples"
SCRIPTS = {
    "acquire.py": ["--frames", "25"],
    "compare_filters.py": [],
    "compress_folder.py": [],
    "random_frames.py": [],
}
NOTEBOOKS = sorted(path.name for path in EXAMPLES.glob("*.ipynb"))


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # The program of the package, as where it is installed for everybody.
    monkeypatch.setenv("PATH", f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ['PATH']}")


def run(script, *arguments):
    command = [sys.executable, EXAMPLES / script, *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_script_runs(script):
    run(script, *SCRIPTS[script])
    assert "usage" in run(script, "--help")


def test_an_acquisition_goes_on_after_a_restart():
    assert "25 in the file" in run("acquire.py", "run.h5", "--frames", "25")
    assert "40 in the file" in run("acquire.py", "run.h5", "--frames", "15")
    assert "40 frames" in run("random_frames.py", "run.h5", "frames")


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_notebook_runs(name, tmp_path):
    notebook = nbformat.read(EXAMPLES / name, as_version=4)
    # It checks itself, by assertions.
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    shown = {kind for output in outputs for kind in output.get("data", {})}
    assert shown >= ({"image/png"} if name == "video.ipynb" else {"image/png", "text/html"})


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_the_notebook_is_stored_without_outputs(name):
    notebook = nbformat.read(EXAMPLES / name, as_version=4)
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in notebook.cells)


def test_every_example_is_described():
    described = (ROOT / "docs" / "examples.md").read_text(encoding="utf-8")
    assert len(NOTEBOOKS) == 3 and set(SCRIPTS) == {path.name for path in EXAMPLES.glob("*.py")}
    for name in (*SCRIPTS, *NOTEBOOKS):
        assert f"(../examples/{name})" in described
