"""How Sphinx builds these pages. ./scripts/docs runs it; everything that it needs is in the extra `docs`."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent)]

from hl_cli import __version__  # noqa: E402

project = "hl-run"
author = "the contributors of hl-run"
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "plain_docstrings", "config_reference", "mathml"]
myst_enable_extensions = ["dollarmath", "deflist", "colon_fence"]
myst_heading_anchors = 3
exclude_patterns = ["_ext"]

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
maximum_signature_line_length = 80
python_use_unqualified_type_names = True
add_module_names = False
nitpick_ignore_regex = [
    ("py:.*", r"(torch|collections|pathlib|nn|np|numpy|hl_cli\.\w+)\..*|Tensor|Units|Path|Iterable|Iterator")
]

html_theme = "furo"
html_title = f"hl-run {version}"
html_static_path = ["_static"]
html_css_files = ["hl-run.css"]
html_copy_source = False
html_show_copyright = False
html_show_sourcelink = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#004488", "color-brand-content": "#004488"},
    "dark_css_variables": {"color-brand-primary": "#8ab4e8", "color-brand-content": "#8ab4e8"},
}
pygments_style = "friendly"
pygments_dark_style = "monokai"
