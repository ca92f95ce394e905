"""The Python of the documents runs: README.md's that uses the package, docs/python.md, docs/calibration.md,
the package's README.md."""

import re
import subprocess
import sys

import h5h264
import h5py
import pytest
from conftest import ROOT


def blocks(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    found = re.findall(r"^```python\n(.*?)^```$", text, re.M | re.S)
    # python_tests runs the others, without the package.
    return [block for block in found if document != "README.md" or uses_package(block)]


def uses_package(program):
    return re.search(r"^(import|from) .*\bh5h264\b", program, re.M) is not None


# That of docs/calibration.md uses the file of README.md.
@pytest.mark.parametrize(
    "documents", [["README.md", "docs/calibration.md"], ["docs/python.md"], ["python/README.md"]]
)
def test_the_examples_run(tmp_path, documents):
    program = "\n".join(block for document in documents for block in blocks(document))
    assert uses_package(program)
    result = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    with h5py.File(tmp_path / "frames.h5") as file:
        assert h5h264.info(file["frames"]).ratio > 1.5


def test_everything_that_is_exported_is_documented():
    text = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    of_results = {"ChunkInfo", "ChunkShape", "Info", "FILTER_ID", "register", "__version__"}
    for name in set(h5h264.__all__) - of_results:
        assert re.search(rf"\b{name}\b", text), name
    for name in h5h264.__all__:
        assert name.isupper() or name == "__version__" or getattr(h5h264, name).__doc__, name
