"""Docstrings of hl-run are plain text: paragraphs, indented equations, doctests. Here they become reStructuredText."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from sphinx.application import Sphinx

import hl_cli


def converted(lines: list[str]) -> list[str]:
    """The same text in reStructuredText, paragraph by paragraph."""
    paragraphs = [list(group) for filled, group in groupby(lines, key=lambda line: bool(line.strip())) if filled]
    return [line for paragraph in paragraphs for line in (*_paragraph(paragraph), "")]


def _paragraph(lines: list[str]) -> Iterator[str]:
    if lines[0].startswith(">>>"):
        yield from lines
    elif lines[0].startswith(" "):  # an equation or a table: as it stands
        yield from (".. code-block:: text", "", *(f"    {line}" for line in lines))
    else:
        for line in lines:
            yield "".join(_marked(part) for part in re.split(r"(`[^`]+`)", line))


def _marked(text: str) -> str:
    """Code in double backticks; what reStructuredText would take for a mark, escaped."""
    return f"`{text}`" if text.startswith("`") else re.sub(r"([*|\\]|_\b)", r"\\\1", text)


def on_docstring(app: Sphinx, kind: str, name: str, found: object, options: object, lines: list[str]) -> None:
    """Called by autodoc for each docstring; the list is changed in place."""
    lines[:] = converted(lines)


def to_public_name(app: Sphinx, env: Any, node: Any, shown: Any) -> Any:
    """A type such as hl_cli.types.Sample is documented as hl_cli.Sample."""
    name = str(node.get("reftarget", "")).rpartition(".")[2]
    if node.get("refdomain") != "py" or name not in hl_cli.__all__:
        return None
    python = env.get_domain("py")
    return python.resolve_xref(env, node["refdoc"], app.builder, "obj", f"hl_cli.{name}", node, shown)


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell autodoc."""
    app.connect("autodoc-process-docstring", on_docstring)
    app.connect("missing-reference", to_public_name)
    return {"parallel_read_safe": True}
