"""Cells of a CSV file as numbers, piece by piece: what is missing is filled or left out, words are numbered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from itertools import islice
from typing import NamedTuple

import torch
from torch import Tensor

from hl_cli.streams.csv_faults import Faults, is_missing
from hl_cli.streams.csv_rows import CsvRows, Place, Row, number

LARGEST = 1e30  # larger numbers have squares that a deviation cannot be made of
NAN = float("nan")


class Piece(NamedTuple):
    """Consecutive rows. values: (rows, columns), float64; times: cells of the time column; lines: where each begins."""

    values: Tensor
    times: list[str]
    lines: list[int]
    after: Place


class Cells:
    """numbers, words: indices of the columns read, in this order; time: that of the times.

    The words of a column are numbered in the order in which they first appear (vocabularies, one a column), so that
    the number of one says nothing of later rows. missing: what becomes of a row with an empty cell, or one of MISSING:
    error: it is a fault; ffill: the last value above it stands for it, and a row with none above is left out; skip: the
    row is left out. What cannot be used is gathered in `faults`, and is not a number in the values.
    """

    def __init__(
        self, table: CsvRows, numbers: Sequence[int], words: Sequence[int], time: int | None, missing: str, decimal: str
    ) -> None:
        self.table, self._columns, self._time, self._missing, self._decimal = (
            table, [*numbers, *words], time, missing, decimal,
        )  # fmt: skip
        self.width = len(self._columns)
        self._words = dict(zip(range(len(numbers), len(self._columns)), words, strict=False))
        self.vocabularies: dict[int, dict[str, int]] = {j: {} for j in self._words}
        self._plain = decimal == "." and not words
        self.faults = Faults(table.names, missing, decimal)

    def read(self, place: Place, count: int, before: Tensor) -> Piece:
        """Give up to `count` rows from a place on, none at the end of the file.

        before: values of the row above, (0 or 1, columns).
        """
        parts: list[Tensor] = []
        times: list[str] = []
        lines: list[int] = []
        with closing(self.table.rows(place)) as rows:
            while len(lines) < count:
                values, texts, begins, after = self._some(islice(rows, count - len(lines)))
                if after is None:
                    break
                values = _filled(values, before) if self._missing == "ffill" else values
                whole = ~values.isnan().any(1)
                if not bool(whole.all()) and self._missing != "error":
                    kept = whole.nonzero().flatten().tolist()
                    values = values[whole]
                    texts, begins = [texts[k] for k in kept] if texts else texts, [begins[k] for k in kept]
                place = after
                before = values[-1:] if len(values) else before
                parts.append(values)
                times += texts
                lines += begins
        empty = torch.empty(0, len(self._columns), dtype=torch.float64)
        return Piece(torch.cat([empty, *parts]) if len(parts) != 1 else parts[0], times, lines, place)

    def _some(self, rows: Iterable[Row]) -> tuple[Tensor, list[str], list[int], Place | None]:
        """Values, times and lines of rows, and the place after them; None where there is no row."""
        flat: list[float] = []
        times: list[str] = []
        lines: list[int] = []
        odd: dict[tuple[int, int], str] = {}
        after = None
        # Cells are parsed row by row: thousands of lists at once would keep the garbage collector busy.
        for line, after, row in rows:  # noqa: B007
            if len(row) != len(self.table.names):
                self.faults.length(len(row), line)
                continue
            text = "".join(row)
            try:
                if not self._plain or "_" in text or not text.isascii():
                    raise ValueError  # for a closer look
                flat.extend([float(row[k]) for k in self._columns])
            except ValueError:
                flat.extend(self._slowly(row, len(lines), odd))
            if self._time is not None:
                times.append(row[self._time])
            lines.append(line)
        values = torch.tensor(flat, dtype=torch.float64).view(-1, len(self._columns))
        usable = values.abs() <= LARGEST
        if not bool(usable.all()):  # NaN too
            for k, j in (~usable).nonzero().tolist():
                self.faults.cell(self._columns[j], odd.get((k, j), str(float(values[k, j]))), lines[k])
            values = torch.where(usable, values, NAN)
        return values, times, lines, after

    def _slowly(self, row: list[str], k: int, odd: dict[tuple[int, int], str]) -> list[float]:
        """The numbers of a row; texts that are none go into `odd`."""
        found = []
        for j, column in enumerate(self._columns):
            text = row[column].strip()
            if is_missing(text):
                value = None
            elif j in self._words:
                known = self.vocabularies[j]
                value = float(known.setdefault(text, len(known)))
            else:
                value = number(text, self._decimal)
            if value is None:
                odd[k, j] = text
            found.append(NAN if value is None else value)
        return found


def _filled(values: Tensor, before: Tensor) -> Tensor:
    """Each cell that is missing as the last one above it, where there is any."""
    if not bool(values.isnan().any()):
        return values
    v = torch.cat((before, values))
    last = torch.where(v.isnan(), 0, torch.arange(len(v)).unsqueeze(1)).cummax(0).values
    return v.gather(0, last)[len(before) :]
