"""What the documents refer to is there. Their examples are run by python/tests/test_documents.py."""

import os
import re

import pytest

from documents import ROOT, all_documents, blocks

DOCUMENTS = [document for document in all_documents() if "{include}" not in document.read_text(encoding="utf-8")]


def title_anchors(document):
    """The anchors that GitHub gives to the titles of a document."""
    titles = re.findall(r"^#+ (.*)$", document.read_text(encoding="utf-8"), re.M)
    return {"#" + re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document.relative_to(ROOT)))
def test_links_lead_somewhere(document):
    text = document.read_text(encoding="utf-8")
    for target, anchor in re.findall(r"\]\(\s*([^)#:]*)(#[^)]*)?\)", text):
        linked = (document.parent / target) if target else document
        assert linked.exists(), target
        if anchor:
            assert anchor in title_anchors(linked), target + anchor


def test_the_readme_leads_to_every_page():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    # docs/index.md and the pages of its sections lead to the others.
    for document in DOCUMENTS:
        name = str(document.relative_to(ROOT))
        is_page = name.startswith("docs/") and "{toctree}" not in document.read_text(encoding="utf-8")
        assert not is_page or f"({name})" in readme, name


def test_the_scripts_that_are_named_are_there():
    consoles = [text for document in DOCUMENTS for language, text in blocks(document) if language == "console"]
    names = set(re.findall(r"\$ (scripts/[\w-]+)", "".join(consoles)))
    assert names >= {"scripts/demo", "scripts/test", "scripts/build-wheel"}
    for name in names:
        assert os.access(ROOT / name, os.X_OK), name


def test_the_version_is_the_same_everywhere():
    version = re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(encoding="utf-8"), re.M).group(1)
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(r"^version: (.*)$", citation, re.M).group(1) == version
    assert version in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
