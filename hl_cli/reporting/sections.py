"""A part of a report, described once: rendered as Markdown, as HTML, and for TensorBoard."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Section:
    """Words, figures to be drawn by page.js, and the picture that stands there otherwise.

    figures: as `page.js` reads them; picture: a PNG; table: header and rows.
    """

    name: str
    title: str
    words: str = ""
    figures: list[dict[str, Any]] = field(default_factory=list)
    picture: Path | None = None
    about_picture: str = ""
    table: list[list[str]] = field(default_factory=list)
    numbers: int = 0  # columns of the table from the right that hold numbers


Making = tuple[str, Callable[[], Section | None]]
"""A section that is still to be made, with its name."""
