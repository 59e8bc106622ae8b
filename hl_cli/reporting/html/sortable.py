"""A table of a page that a click on a heading sorts, and words filter; without scripts it stays a plain table."""

from __future__ import annotations

from dataclasses import dataclass, field

Cell = dict[str, str]


@dataclass
class Sortable:
    """name: of its section; before: a small plain table above it; rows: group, by which they are chosen, and cells.

    kind: what a group is, as in "every status"; chosen: the group that is shown at first, "" for all; hint: what may be
    typed; one: what a row is.
    """

    name: str
    title: str
    columns: list[tuple[str, bool]]  # heading, and whether it is of numbers
    rows: list[tuple[str, list[Cell]]]
    kind: str
    one: str
    hint: str = ""
    chosen: str = ""
    words: str = ""
    before_title: str = ""
    before: list[list[str]] = field(default_factory=list)
    file: str = ""

    @property
    def groups(self) -> list[str]:
        """The groups in the order in which they are met."""
        return list(dict.fromkeys(group for group, _ in self.rows))


def cell(text: str, value: object = None, kind: str = "", tone: str = "", link: str = "") -> Cell:
    """A cell; value: by which it is sorted, its text where it has no other."""
    return {"text": text, "value": text if value is None else str(value), "kind": kind, "tone": tone, "link": link}
