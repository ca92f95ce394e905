"""Every code block of README.md and docs/using.md runs, in the order in which a reader meets them."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from program import PROGRAM

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = ROOT / "README.md", ROOT / "docs" / "using.md"
BLOCKS = [
    block
    for document in DOCUMENTS
    for block in re.findall(r"^```(\w*)\n(.*?)^```$", document.read_text(encoding="utf-8"), re.M | re.S)
]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A folder that looks as the repository does after scripts/demo, as far as README.md needs it."""
    folder = tmp_path_factory.mktemp("checkout")
    # conftest.py has put the plugin there.
    shutil.copytree(os.environ["HDF5_PLUGIN_PATH"], folder / "target" / "release")
    (folder / "tests").symlink_to(ROOT / "tests")
    # The pictures of the reader.
    (folder / "DIR").mkdir()
    for i in range(3):
        tifffile.imwrite(folder / "DIR" / f"{i}.tif", np.full((80, 100, 3), 50 * i, "u1"))
    command = [PROGRAM, "convert", "DIR", "--output", "tmp/nothotdog_64", "--dim", "64"]
    subprocess.run(command, cwd=folder, check=True)
    return folder


def run(block, language, folder):
    """The block's exit status and output. Variables that it exports go into our environment."""
    if language == "python":
        command = [sys.executable, "-c", block]
    else:
        command = ["bash", "-euo", "pipefail", "-c", block]
    return subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_the_blocks_are_found():
    assert {language for language, _ in BLOCKS} == {"sh", "python"}
    assert len(BLOCKS) >= 5


# Blocks use the files of those before them, so they are one test.
def test_every_block_runs(checkout, monkeypatch):
    monkeypatch.delenv("HDF5_PLUGIN_PATH")
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "python"))
    monkeypatch.setenv("PATH", f"{PROGRAM.parent}:{os.environ['PATH']}")
    for language, block in BLOCKS:
        if re.search(r"^(import|from) .*\bh5h264\b", block, re.M):
            # python/tests runs these, where the package is installed.
            continue
        if re.fullmatch(r"(scripts/\w+\n)+", block):
            # These set up and run all tests, this one among them: not from here.
            for script in block.split():
                assert os.access(ROOT / script, os.X_OK), script
            continue
        for name in re.findall(r"^export (\w+)=", block, re.M):
            exported = run(f'{block}printf %s "${name}"', language, checkout)
            monkeypatch.setenv(name, exported.stdout)
        result = run(block, language, checkout)
        assert result.returncode == 0, f"{block}\n{result.stdout}"


def test_the_version_is_the_same_everywhere():
    version = re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(encoding="utf-8"), re.M).group(1)
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(r"^version: (.*)$", citation, re.M).group(1) == version
    assert version in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_links_lead_somewhere():
    for document in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("**/*.md")]:
        text = document.read_text(encoding="utf-8")
        for target, anchor in re.findall(r"\]\(([^)#:]*)(#[^)]*)?\)", text):
            linked = (document.parent / target) if target else document
            assert linked.exists(), f"{document.name}: {target}"
            if anchor:
                titles = re.findall(r"^#+ (.*)$", linked.read_text(encoding="utf-8"), re.M)
                anchors = {"#" + re.sub(r"[^\w -]", "", t.lower()).replace(" ", "-") for t in titles}
                assert anchor in anchors, f"{document.name}: {target}{anchor}"
