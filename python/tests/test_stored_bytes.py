"""What other machines are compared with (tests/cross, scripts/test-cross)."""

import subprocess
import sys

from conftest import ROOT

SCRIPT = ROOT / "tests" / "cross" / "stored_bytes.py"


def run(*arguments):
    return subprocess.run(
        [sys.executable, SCRIPT, *arguments], check=True, capture_output=True, text=True
    ).stdout


def test_the_same_is_stored_every_time(tmp_path):
    run("write", tmp_path / "first.h5")
    assert "52 sequences read back, 150 stored chunks are the same" in run("compare", tmp_path / "first.h5")


def test_hashes_tell_sequences_apart():
    lines = run("hashes").splitlines()
    names, hashes = zip(*(line.split("\t") for line in lines))
    assert len(set(names)) == len(lines) == 52
    # Small numbers are the same chunks with a sign and without.
    assert len(set(hashes)) == 49
