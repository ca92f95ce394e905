"""The examples of the documents run, and the documents are complete."""

import os
import re
import sysconfig

import h5h264
import pytest

from documents import ROOT, all_documents, blocks, run, runs

DOCUMENTS = [document for document in all_documents() if runs(document)]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document.relative_to(ROOT)))
def test_the_examples_run(tmp_path, document):
    # The program of the package, as where it is installed for everybody.
    path = f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ['PATH']}"
    run(document, tmp_path, PATH=path)


def test_the_examples_are_found():
    names = {document.name for document in DOCUMENTS}
    assert {"README.md", "python.md", "calibration.md", "tutorial.md", "c.md", "command-line.md"} <= names
    assert {"python", "sh"} <= {language for document in DOCUMENTS for language, _ in blocks(document)}


def test_everything_that_is_exported_is_documented():
    text = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    of_results = {"ChunkInfo", "ChunkShape", "Info", "FILTER_ID", "register", "__version__"}
    for name in set(h5h264.__all__) - of_results:
        assert re.search(rf"\b{name}\b", text), name
    for name in h5h264.__all__:
        assert name.isupper() or name == "__version__" or getattr(h5h264, name).__doc__, name
