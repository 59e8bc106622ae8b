"""Markdown in which a text of a stranger is text, whoever shows it: no HTML, no link, no picture, no other layout.

Names of columns and scenarios, origins and messages of a user's own code come into the pages. What is Markdown of ours
is `Markdown`; everything else is escaped on its way into a page.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

# final_loss and [32] stay as they are; what could be a link, an emphasis, a formula, code or a cell does not
_SPECIAL = re.compile(r"[\\`*~$|]|(?<![^\W_])_|_(?![^\W_])|\](?=\s*[(\[:])")
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


class Markdown(str):
    """A text that is Markdown already."""

    __slots__ = ()


def escape(value: Any) -> Markdown:
    r"""A value as text in one line, for the middle of a line: at its beginning more signs have a meaning.

    >>> escape("<b> [x](javascript:y) a|b final_loss")
    '&lt;b&gt; [x\\](javascript:y) a\\|b final_loss'
    """
    if isinstance(value, Markdown):
        return value
    text = " ".join(str(value).split())
    text = re.sub("[&<>]", lambda found: _HTML[found[0]], text)
    return Markdown(_SPECIAL.sub(lambda found: "\\" + found[0], text))


def line(cells: Sequence[Any]) -> Markdown:
    """A row of a table."""
    return Markdown(f"| {' | '.join(map(escape, cells))} |")


def table(rows: Sequence[Sequence[Any]], numbers: int = 0) -> Markdown:
    """A table from its header and rows; numbers: columns from the right that hold numbers."""
    head, *body = rows
    rule = "|" + "---|" * (len(head) - numbers) + "---:|" * numbers
    return Markdown("\n".join([line(head), rule, *map(line, body)]))


def code(text: str) -> Markdown:
    """A block of code, in which no sign has a meaning."""
    return Markdown("\n".join(f"    {part}" for part in text.splitlines()))
