"""What cannot be used in a CSV file, gathered over all its rows and said in one line."""

from __future__ import annotations

import re
from typing import NamedTuple

from hl_cli.streams.csv_times import is_date
from hl_cli.streams.source_file import shown

MISSING = ("", "na", "n/a", "#n/a", "nan", "null", "none", "-", "?")
MOST_TEXTS = 3  # different ones of a column that are named
MOST_COLUMNS = 8


def is_missing(text: str) -> bool:
    """Whether a cell says that there is no value."""
    return text.lower() in MISSING


class _Column:
    """What was found in a column: how many cells of each text, and the line of the first."""

    def __init__(self) -> None:
        self.texts: dict[str, list[int]] = {}
        self.count, self.first = 0, 0

    def add(self, text: str, line: int) -> None:
        self.first = self.first or line
        self.count += 1
        if text in self.texts or len(self.texts) < 2 * MOST_TEXTS:
            self.texts.setdefault(text, [0, line])[0] += 1

    def said(self) -> str:
        """Empty cells and one text each by themselves, many texts together."""
        empty = self.texts.get("")
        words = {text: of for text, of in self.texts.items() if text}
        parts = [f"{empty[0]} empty, first line {empty[1]}"] if empty else []
        if len(words) <= MOST_TEXTS:
            parts += [f"{count} {shown(text)}, first line {line}" for text, (count, line) in words.items()]
        else:
            some = ", ".join(shown(text) for text in list(words)[:MOST_TEXTS])
            line = min(line for _, line in words.values())
            parts.append(f"{self.count - (empty[0] if empty else 0)} such as {some}, first line {line}")
        return ", ".join(parts)


class _Hint(NamedTuple):
    column: str
    allowed: str


class Faults:
    """names: the columns of the file; missing, decimal: as the config says."""

    def __init__(self, names: list[str], missing: str, decimal: str) -> None:
        self._names, self._missing, self._decimal = names, missing, decimal
        self._columns: dict[int, _Column] = {}
        self._lengths: list[tuple[int, int]] = []
        self._wrong_lengths = 0
        self._times = ""

    def cell(self, column: int, text: str, line: int) -> None:
        """A cell that is no number; one that is missing counts where missing values are errors."""
        if self._missing == "error" or not is_missing(text):
            self._columns.setdefault(column, _Column()).add(text, line)

    def length(self, cells: int, line: int) -> None:
        """A row with another number of cells than the header."""
        self._wrong_lengths += 1
        self._lengths = self._lengths or [(cells, line)]

    def time(self, column: int, line: int, what: str) -> None:
        """The first time that is out of order; none after it is looked at."""
        self._times = self._times or f"{self._names[column]}: {what}, line {line}"

    def said(self) -> str:
        """All of it with what is allowed instead, in one line; nothing where there is none."""
        parts, allowed = [], []
        if self._lengths:
            ((cells, line),) = self._lengths
            rows = "row has" if self._wrong_lengths == 1 else "rows have"
            parts.append(
                f"{self._wrong_lengths} {rows} not the {len(self._names)} cells of the header, first line {line} "
                f"with {cells}"
            )
            allowed.append("the same number of cells in each row")
        for k, column in sorted(self._columns.items())[:MOST_COLUMNS]:
            hint = self._hint(self._names[k], column)
            parts.append(f"{self._names[k] if self._names[k].isprintable() else shown(self._names[k])}: {hint.column}")
            allowed += [] if hint.allowed in allowed else [hint.allowed]
        if len(self._columns) > MOST_COLUMNS:
            parts.append(f"and {len(self._columns) - MOST_COLUMNS} more columns")
        if self._times:
            parts.append(self._times)
            allowed.append("numbers or times in order")
        return f"{'; '.join(parts)}; allowed: {', '.join(allowed)}" if parts else ""

    def _hint(self, name: str, column: _Column) -> _Hint:
        """What was found, and what to do about it."""
        words = [text for text in column.texts if text]
        if not words:
            return _Hint(column.said(), "stream.missing=ffill (the last value) or skip (no such row)")
        if self._decimal == "." and all(re.fullmatch(r"[+-]?\d*,\d+", text) for text in words):
            return _Hint(f"{column.said()}, decimal commas", "stream.decimal=comma")
        if all(is_missing(text) for text in words):
            return _Hint(column.said(), "stream.missing=ffill (the last value) or skip (no such row)")
        if is_date(words[0]):
            return _Hint(f"dates, use stream.time={name}", "stream.time=COLUMN")
        return _Hint(
            column.said(),
            "finite numbers up to 1e30 in the columns of stream.inputs and stream.target, "
            "words in those of stream.categorical",
        )
