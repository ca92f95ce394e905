"""How scripts/build-docs makes the documentation site of the pages in this folder."""

import re
import sys
from pathlib import Path

root = Path(__file__).resolve().parent.parent
# The package is read from its sources: nothing of it is built for the site.
sys.path.insert(0, str(root / "python"))

project = "h5h264"
author = "the h5h264 developers"
copyright = "2026, the h5h264 developers"
html_title = "h5h264"
release = re.search(r'(?m)^version = "(.*)"', (root / "Cargo.toml").read_text(encoding="utf-8")).group(1)

extensions = ["myst_parser", "numpydoc", "sphinx.ext.autodoc", "sphinx_copybutton"]
exclude_patterns = ["_build"]

html_theme = "pydata_sphinx_theme"
html_theme_options = {"show_toc_level": 2}
html_show_sourcelink = False
html_copy_source = False
copybutton_prompt_text = "$ "

# Links to a title, page.md#title, with the anchors that GitHub gives it.
myst_heading_anchors = 3

# The plugin that the package loads, and what it imports.
autodoc_mock_imports = ["h5h264._library", "h5h264._version", "fsspec", "h5py", "kerchunk", "numcodecs", "zarr"]
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
# Docstrings have code in single backquotes.
default_role = "literal"
numpydoc_show_class_members = False
python_use_unqualified_type_names = True
