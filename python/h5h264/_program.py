"""The program `h5h264`, which comes with the package."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Union

_NAME = "h5h264.exe" if sys.platform == "win32" else "h5h264"


@lru_cache(maxsize=None)
def program() -> Path:
    """The program's file. Raises FileNotFoundError if the package was installed without it."""
    package = Path(__file__).resolve().parent
    try:
        recorded = [file.locate() for file in files("h5h264") or [] if file.name == _NAME]
    except PackageNotFoundError:
        recorded = []
    # pip install --target moves programs after it has recorded where they are.
    candidates = [*map(Path, recorded), package.parent / "bin" / _NAME]
    for candidate in candidates:
        if candidate.is_file():
            return candidate.resolve()
    looked = ", ".join(map(str, candidates))
    raise FileNotFoundError(f"the program {_NAME}, which comes with the package, was not found (looked for {looked})")


def start(*arguments: Union[str, Path], has_input: bool) -> subprocess.Popen[bytes]:
    """Starts the program with a pipe from or to it, and one for its message when it fails."""
    return subprocess.Popen(
        [str(program()), *(os.fspath(argument) for argument in arguments)],
        stdin=subprocess.PIPE if has_input else subprocess.DEVNULL,
        stdout=subprocess.DEVNULL if has_input else subprocess.PIPE,
        stderr=subprocess.PIPE,
        # What is buffered would be written again by a forked process.
        bufsize=0,
        # Ctrl-C is for Python: the program ends when its pipe does, and cleans up.
        start_new_session=True,
    )
