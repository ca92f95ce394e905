"""The examples of the documents, as programs.

A document becomes one Python program, in which its blocks follow each other as a reader meets them. `python` runs as it
is, and `sh` in bash, whose exported variables stay set. A block that starts with a comment that names a file, as
"# acquire.py" does, is written to that file. Blocks in other languages (console, text, matlab) are for reading only.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

_PRELUDE = '''\
import os as _os, pathlib as _pathlib, subprocess as _subprocess

def _sh(block):
    keep = "\\nenv -0 >.environment"
    _subprocess.run(["bash", "-euo", "pipefail", "-c", block + keep], check=True)
    for pair in filter(None, _pathlib.Path(".environment").read_bytes().split(b"\\0")):
        name, _, value = pair.partition(b"=")
        _os.environb[name] = value

'''


def all_documents():
    """Every document of the project, but for those that only include another one."""
    found = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("**/*.md"), *ROOT.glob("*/README.md")]
    return [document for document in found if "_build" not in document.parts]


def blocks(document):
    """(language, text) of each block."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", document.read_text(encoding="utf-8"), re.M | re.S)


def runs(document):
    return any(language in ("python", "sh") for language, _ in blocks(document))


def program_of(document):
    return _PRELUDE + "\n".join(_step(language, block) for language, block in blocks(document))


def _step(language, block):
    named = re.match(r"(?:#|/\*|//) ([\w-]+\.\w+)(?: \*/)?\n", block)
    if named:
        return f"_pathlib.Path({named[1]!r}).write_text({block!r})\n"
    if language == "python":
        return block
    if language == "sh":
        return f"_sh({block!r})\n"
    return ""


def run(document, folder, **environment):
    """Runs the examples of a document in a folder. They have to succeed."""
    result = subprocess.run(
        [sys.executable, "-c", program_of(document)],
        cwd=folder,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert result.returncode == 0, f"{document}\n{result.stdout}"
    return result.stdout
