"""The times of a series: numbers or dates that go forward. They order and label its rows; they need not be even."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from hl_cli.errors import BadInput
from hl_cli.streams.source_file import shown

Reader = Callable[[str], Any]
DAYS = ("%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%Y/%m/%d", "%d-%m-%Y")
CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
EVEN = 1.01  # by how much the longest step may exceed the shortest: written times are rounded


def _number(text: str) -> Decimal:
    """Exact: an epoch in nanoseconds has more digits than a float."""
    value = Decimal(text)
    if "_" in text or not value.is_finite():
        raise ValueError(text)
    return value


def _iso(text: str) -> datetime:
    """Z, which Python 3.10 does not read, is +00:00."""
    if text.isdigit():
        raise ValueError(text)
    return datetime.fromisoformat(f"{text[:-1]}+00:00" if text.endswith(("Z", "z")) else text)


def _compact(text: str) -> datetime:
    """20240131."""
    if not re.fullmatch(r"(19|20)\d{6}", text):
        raise ValueError(text)
    return datetime.strptime(text, "%Y%m%d")


def _formatted(form: str) -> Reader:
    return lambda text: datetime.strptime(text, form)


DATES: dict[str, Reader] = {
    "ISO time": _iso,
    **{f"time as {form}": _formatted(form) for form in (day + clock for day in DAYS for clock in CLOCKS)},
}
READERS: dict[str, Reader] = {"date as %Y%m%d": _compact, "number": _number, **DATES}
ANY = "number or time; stream.time_format=%d.%m.%Y says how times are written"
FAILED = (ValueError, TypeError, InvalidOperation, OverflowError)


def _reads(reader: Reader, text: str) -> bool:
    try:
        reader(text.strip())
    except FAILED:
        return False
    return True


def is_date(text: str) -> bool:
    """Whether a cell is a date or time, and no number."""
    return any(_reads(reader, text) for reader in DATES.values())


def find(names: list[str], cells: list[str], free: list[int]) -> int | None:
    """The first of the columns `free` that has a date in its first row; 20240131 is one where the name says so."""
    for k in free:
        named = re.fullmatch(r"date|day|time|timestamp|datetime", names[k], re.IGNORECASE)
        if is_date(cells[k]) or (named and _reads(_compact, cells[k])):
            return k
    return None


class Times:
    """Takes the cells of a time column piece by piece. All are read in one way: that of `form`, or any that fits all.

    steps: the shortest and the longest so far, None before the second row.
    """

    def __init__(self, form: str | None) -> None:
        self._ways = dict(READERS)
        if form is not None:
            moment = datetime(2024, 1, 31, 13, 45, 10)
            if not _reads(_formatted(form), moment.strftime(form)) or "%" not in form:
                raise BadInput(f"stream.time_format={form}: allowed: a format of datetime.strptime, as %d.%m.%Y %H:%M")
            self._ways = {f"time as {form}": _formatted(form)}
        self._last: dict[str, Any] = {}
        self.steps: dict[str, tuple[Any, Any]] = {}

    def fault(self, cells: list[str]) -> tuple[int, str] | None:
        """Give the index of the first cell that is out of order and what is wrong with it, None if all are in order."""
        if not self._last:
            fitting = {name: read for name, read in self._ways.items() if cells and _reads(read, cells[0])}
            if cells and not fitting:
                return 0, f"{shown(cells[0])} is no {' or '.join(self._ways) if len(self._ways) == 1 else ANY}"
            self._ways = fitting or self._ways
        faults = {name: self._follow(name, cells) for name in self._ways}
        self._ways = {name: read for name, read in self._ways.items() if faults[name] is None} or self._ways
        found = [fault for fault in faults.values() if fault]
        return max(found) if len(found) == len(faults) else None

    def _follow(self, name: str, cells: list[str]) -> tuple[int, str] | None:
        read, last = self._ways[name], self._last.get(name)
        shortest, longest = self.steps.get(name, (None, None))
        for k, text in enumerate(cells):
            try:
                here = read(text.strip())
                step = None if last is None else here - last
            except FAILED:  # TypeError: with a time zone after one without, or the other way
                return k, f"{shown(text)} is no {name}"
            if step is not None:
                if not here > last:
                    return k, f"{shown(text)} is not later than the row before"
                shortest = step if shortest is None or step < shortest else shortest
                longest = step if longest is None or step > longest else longest
            last = here
        self._last[name], self.steps[name] = last, (shortest, longest)
        return None

    def uneven(self) -> str:
        """A word where the steps differ."""
        shortest, longest = self.steps.get(next(iter(self._ways)), (None, None))
        if shortest is None or float(longest / shortest) <= EVEN:
            return ""
        return f"; its times are uneven, {shortest} to {longest} apart"
