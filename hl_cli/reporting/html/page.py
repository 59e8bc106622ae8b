"""What both pages share: the template, the style, the library that draws, figures as data, pictures as text.

The library is BokehJS, as its Python package brings it: a quarter of plotly.js in size, and packed here in a tenth of a
second. Nothing of bokeh's Python is imported. Where scripts are off, or too old to unpack it, the pictures stay.
"""

from __future__ import annotations

import base64
import gzip
import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from hl_cli.reporting.parts import Parts, not_written, rendered
from hl_cli.reporting.whole import write_text

LIBRARY = ("bokeh.min.js", "bokeh-api.min.js")
LEVEL = 6  # of gzip


@cache
def library() -> str:
    """The library, packed, as text."""
    found = find_spec("bokeh")
    assert found and found.origin
    scripts = Path(found.origin).parent / "server" / "static" / "js"
    code = b"\n".join((scripts / name).read_bytes() for name in LIBRARY)
    return base64.b64encode(gzip.compress(code, LEVEL, mtime=0)).decode()


def as_json(value: Any) -> Markup:
    """Data for a script element, which no text within can end."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c"))


def as_address(picture: Path) -> str:
    """A PNG as an address that needs no file."""
    return f"data:image/png;base64,{base64.b64encode(picture.read_bytes()).decode()}"


@cache
def _pages() -> tuple[Environment, PackageLoader]:
    """The templates, each compiled once in a process."""
    loader = PackageLoader("hl_cli.reporting.html", ".")
    pages = Environment(loader=loader, undefined=StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True)
    pages.filters |= {"json": as_json, "address": as_address}
    return pages, loader


def write_page(path: Path, template: str, parts: Parts, **content: Any) -> None:
    """Fill the blocks of a template beside this file, each a part of its own; written whole or not at all.

    sections, in the content: each a `Section`.
    """
    pages, loader = _pages()
    scripts = {
        "library": library() if any(section.figures for section in content["sections"]) else "",
        "source": lambda name: Markup(loader.get_source(pages, name)[0]),
        "failed": lambda: not_written(parts.failed),
    }
    blocks = rendered(pages, template, {**content, **scripts}, parts, path.name)
    body = {name: Markup(text) for name, text in blocks.items()}  # escaped as they were filled
    base = pages.get_template("base.html.j2")
    write_text(path, base.render(title=content["title"], blocks=body, **scripts))
