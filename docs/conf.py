"""Sphinx's settings. The tables of the reference are printed from the package itself, see `printed`."""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import printed
import sources
import tiktok_events

project = "tiktok-events"
author = "the tiktok-events authors"
copyright = f"2026, {author}"
release = version = tiktok_events.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]

myst_enable_extensions = ["colon_fence", "deflist", "substitution"]
myst_heading_anchors = 3
myst_substitutions = printed.tables()

smartquotes_action = "D"  # dashes only: docstrings quote code

# Docstrings are written with single backticks.
default_role = "code"
nitpicky = False
napoleon_google_docstring = True
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_class_signature = "mixed"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
add_module_names = False

html_theme = "furo"
html_title = f"tiktok-events {release}"
html_static_path = ["_static"]
html_css_files = ["tables.css"]
html_copy_source = False
html_show_sphinx = False
pygments_style = "friendly"
pygments_dark_style = "github-dark"


def _shorter(*event):
    """Leave the sentinel's type out of signatures: its default says enough."""
    *_, signature, returns = event
    return re.sub(
        r" \| [~\w.]*Literal\[\S*UNSET\]", "", signature or ""
    ) or None, returns


def setup(app):
    """Connect the above."""
    app.connect("autodoc-process-signature", _shorter)
    sources.connect(app)
