"""Runs the program h5h264 for the tests of it."""

import os
import signal
import subprocess
from pathlib import Path

import pytest
from support import movie

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = Path(os.environ.get("CARGO_BIN_EXE_h5h264", ROOT / "crates/cli/target/release/h5h264"))


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if not PROGRAM.is_file():
        pytest.fail(f"no {PROGRAM} (cargo build --release in crates/cli)")


def take_signals():
    """In the program's process: as in front of a shell. What runs behind one, or under nohup, ignores some."""
    for number in signal.SIGHUP, signal.SIGINT, signal.SIGTERM:
        signal.signal(number, signal.SIG_DFL)


def run(*arguments, status=0, **kwargs):
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, **kwargs)
    assert done.returncode == status, done
    if status == 1:
        assert done.stderr.startswith("h5h264: ") and done.stderr.count("\n") == 1, done.stderr
    return done


def frames(n=20, dtype="u2"):
    return movie((n, 64, 80), dtype)
