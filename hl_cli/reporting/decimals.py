"""Rows of numbers as lines of a CSV file, each number as `repr` has it: the fewest digits that read back as the number.

A million rows are worth a compiler: from MANY rows on lines are written by the machine's own code, where it can be
built and writes the next rows as Python does.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache as once
from pathlib import Path

import numpy as np

from hl_cli.machine.library import Unbuilt, library

MANY = 20_000  # rows
ASKED = ("curves.csv", "Python does the same in more time")
Write = Callable[[int, np.ndarray], str]


class Lines:
    """The lines of a file that grows: a count, then the numbers of a row; empty cells where there is none (NaN)."""

    def __init__(self) -> None:
        self._rows = 0
        self._write: Write = by_python

    def of(self, first: int, rows: np.ndarray) -> str:
        """The next of them. first: the count at the first row; rows: (n, columns), float64."""
        text = self._write(first, rows)
        before, self._rows = self._rows, self._rows + len(rows)
        if before < MANY <= self._rows and (write := native()) is not None and write(first, rows) == text:
            self._write = write
        return text


def by_python(first: int, rows: np.ndarray) -> str:
    """The lines, number by number."""
    line = "%d" + ",%r" * rows.shape[1] + "\r\n"
    whole = (~np.isnan(rows).any(1)).tolist()
    numbered = enumerate(zip(whole, rows.tolist(), strict=True), first)
    return "".join([line % (k, *row) if full else _line(k, row) for k, (full, row) in numbered])


def _line(count: int, row: list[float]) -> str:
    """A row with numbers that there are not."""
    return ",".join([str(count), *("" if value != value else repr(value) for value in row)]) + "\r\n"


@once
def native() -> Write | None:
    """The same by the machine's own code; None where it cannot be built."""
    try:
        file = library([Path(__file__).with_suffix(".cpp")], ASKED, ["-O2", "-std=c++17"])
        lines = ctypes.CDLL(str(file)).hl_run_lines
    except (Unbuilt, OSError):
        return None
    place, number = ctypes.c_void_p, ctypes.c_int64
    lines.argtypes, lines.restype = [number, number, number, place, place], number

    def write(first: int, rows: np.ndarray) -> str:
        table = np.ascontiguousarray(rows, np.float64)
        count, columns = table.shape
        text = ctypes.create_string_buffer(32 * count * (columns + 1))
        size = lines(first, count, columns, table.ctypes.data, text)
        return ctypes.string_at(text, size).decode("ascii")

    return write
