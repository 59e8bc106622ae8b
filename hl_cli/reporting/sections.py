"""A part of a report, described once: rendered as Markdown, as HTML, and for TensorBoard.

report.md and the text in TensorBoard show title, words, table and pictures; report.html draws the figures, and shows
the pictures where scripts are off. One that cannot be made is named in all of them, and the others are there.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from hl_cli.reporting.parts import Parts


@dataclass
class Section:
    """Words, a table, figures to be drawn by page.js, and the pictures that stand for them elsewhere.

    name: of its anchor in a page; hint: what a reader of a page can do there; figures: as `page.js` reads them;
    pictures: PNG files of the folder, each with what it shows, left out where a file is not there; table: header and
    rows; numbers: columns of the table from the right that hold numbers.
    """

    name: str
    title: str
    words: str = ""
    figures: list[dict[str, Any]] = field(default_factory=list)
    pictures: list[tuple[Path, str]] = field(default_factory=list)
    table: list[list[str]] = field(default_factory=list)
    numbers: int = 0
    hint: str = ""


Making = tuple[str, Callable[[], Section | None]]
"""A section that is still to be made, with its name for a reader; None where there is nothing to show."""


def made(makings: Iterable[Making], parts: Parts) -> list[Section]:
    """Those that can be made and have something to show, each a part of its own."""
    found = (parts.make(name, partial(_checked, make), None) for name, make in makings)
    return [section for section in found if section]


def _checked(make: Callable[[], Section | None]) -> Section | None:
    """A section that every page can show; raises where a value is not what it should be."""
    section = make()
    if section is None:
        return None
    if not isinstance(section, Section):
        raise TypeError(f"a {type(section).__name__} is no Section")
    if len({len(row) for row in section.table}) > 1:
        raise ValueError(f"section {section.name}: rows of {sorted({len(row) for row in section.table})} cells")
    json.dumps(section.figures, allow_nan=False)
    return section
