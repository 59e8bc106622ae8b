"""CSV files of numbers that a run wrote, read again: by column, and by arm.

The lines of a large file are read by the machine's own code, where it can be built and reads the first of them as
Python does.
"""

from __future__ import annotations

import csv
import ctypes
import math
from array import array
from collections.abc import Callable, Iterator
from functools import cache as once
from functools import partial
from pathlib import Path

import numpy as np

from hl_cli.machine.library import Unbuilt, library
from hl_cli.reporting.sums import check_sum

LARGE = 2**21  # bytes, as curves.csv has after some 20,000 steps
BLOCK = 2**20
ASKED = ("curves.csv", "Python does the same in more time")
Table = dict[str, "array[float]"]
Parse = Callable[[list[str], int], np.ndarray]


def by_arm(path: Path, alone: str) -> dict[str, Table]:
    """A CSV file of numbers that may have a column `arm`: its columns by arm; `alone`: whose they are without it."""
    with path.open(newline="") as file:
        header = next(csv.reader(file))
    if "arm" not in header:
        return {alone: read(path)}
    check_sum(path)
    found: dict[str, Table] = {}
    with path.open(newline="") as file:
        for row in csv.DictReader(file):
            columns = found.setdefault(row.pop("arm"), {name: array("d") for name in header if name != "arm"})
            for name, column in columns.items():
                column.append(float(row[name]) if row[name] else math.nan)
    return found


def read(path: Path) -> Table:
    """A CSV file of numbers of a run by column; an empty cell is NaN. Raises BadInput for one that is damaged."""
    names, tables = blocks(path)
    found = [array("d") for _ in names]
    for table in tables:
        for column, values in zip(found, table.T, strict=True):
            column.frombytes(values.tobytes())
    return dict(zip(names, found, strict=True))


def blocks(path: Path) -> tuple[list[str], Iterator[np.ndarray]]:
    """The names of its columns, and its rows, many at a time, (rows, columns)."""
    check_sum(path)
    with path.open(newline="") as file:
        names = next(csv.reader(file))
    return names, _tables(path, len(names))


def _tables(path: Path, columns: int) -> Iterator[np.ndarray]:
    parse: Parse = by_python
    with path.open(newline="") as file:
        next(csv.reader(file))
        for number, lines in enumerate(iter(partial(file.readlines, BLOCK), [])):
            table = parse(lines, columns)
            yield table
            first_of_many = not number and path.stat().st_size >= LARGE
            if first_of_many and (fast := native()) and fast(lines, columns).tobytes() == table.tobytes():
                parse = fast


def by_python(lines: list[str], columns: int) -> np.ndarray:
    """The numbers of some lines, (rows, columns), cell by cell; raises ValueError for what is no row of numbers."""
    rows = [
        [float(cell) if cell else math.nan for _, cell in zip(range(columns), row, strict=True)]
        for row in csv.reader(lines)
    ]
    return np.array(rows).reshape(-1, columns)


@once
def native() -> Parse | None:
    """The same by the machine's own code; None where it cannot be built."""
    try:
        file = library([Path(__file__).with_suffix(".cpp")], ASKED, ["-O2", "-std=c++17"])
        numbers = ctypes.CDLL(str(file)).hl_run_numbers
    except (Unbuilt, OSError):
        return None
    place, number = ctypes.c_void_p, ctypes.c_int64
    numbers.argtypes, numbers.restype = [ctypes.c_char_p, number, number, place, number], number

    def parse(lines: list[str], columns: int) -> np.ndarray:
        text, table = "".join(lines).encode(), np.empty((len(lines), columns))
        rows = numbers(text, len(text), columns, table.ctypes.data, len(table))
        return table if rows == len(table) else by_python(lines, columns)

    return parse
