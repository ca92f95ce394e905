"""The package is typed, and type checkers see it as it is installed."""

import subprocess
import sys

from conftest import ROOT

CONFIGURATION = ROOT / "python" / "pyproject.toml"

USE = """
import h5h264
import numpy as np

options = h5h264.H264("superfast", frame=(512, 512))
stored: bytes = h5h264.encode(np.zeros((2, 8, 8)), options)
chunk: tuple[int, ...] = h5h264.chunks((100, 512, 512), "uint16")
"""


def mypy(*arguments, cwd):
    command = [sys.executable, "-m", "mypy", "--no-incremental", "--config-file", str(CONFIGURATION)]
    result = subprocess.run([*command, *map(str, arguments)], cwd=cwd, capture_output=True, text=True)
    return result.stdout + result.stderr


def test_the_package_holds_its_types(tmp_path):
    assert mypy(ROOT / "python" / "h5h264", cwd=tmp_path).startswith("Success")


def test_programs_are_checked_against_the_installed_package(tmp_path):
    (tmp_path / "right.py").write_text(USE)
    assert mypy("right.py", cwd=tmp_path).startswith("Success")
    (tmp_path / "wrong.py").write_text(USE.replace('"superfast"', "3"))
    assert "incompatible type" in mypy("wrong.py", cwd=tmp_path)
