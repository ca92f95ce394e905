"""What says a build of the Python package that is not scripts/build-wheel?"""

import os
import subprocess
import sys

import pytest

from support import TESTS

PACKAGE = TESTS.parent / "python"
# As pip calls it, in a process of its own.
BACKEND = "import sys; from hatchling import build; getattr(build, sys.argv[1])(sys.argv[2])"


@pytest.mark.parametrize(
    "hook, sentence",
    [
        ("build_sdist", "there is no source distribution of h5h264: clone the repository, and build a wheel with"),
        ("build_wheel", "pip alone can't build h5h264, which contains FFmpeg, x264 and a program in Rust: build a wheel"),
        ("build_editable", "h5h264 can't be installed in editable mode: build a wheel, with scripts/build-wheel"),
    ],
)
def test_it_says_in_one_sentence_what_to_do_instead(hook, sentence, tmp_path):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("H5H264_")}
    command = [sys.executable, "-c", BACKEND, hook, str(tmp_path)]
    run = subprocess.run(command, cwd=PACKAGE, env=environment, capture_output=True, text=True)
    assert run.returncode != 0
    assert run.stderr.startswith(f"h5h264: {sentence}") and run.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
