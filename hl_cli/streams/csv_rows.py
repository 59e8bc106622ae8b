"""Rows of a CSV file, read piece by piece from any byte offset; what is wrong with one is named by its line."""

from __future__ import annotations

import csv
import difflib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import BinaryIO, NamedTuple

import torch
from torch import Tensor

from hl_cli.errors import BadInput
from hl_cli.streams.source_file import SourceFile, shown
from hl_cli.streams.windows import PIECE

ALLOWED = "a CSV file in UTF-8 with a header"
LARGEST = 1e30  # larger numbers have squares that a deviation cannot be made of
KNOWN = 20  # names that a message lists
MOST_CELLS = 2**18  # in memory at once
LONGEST = 2**20  # bytes of a line, so that a file without line ends is not read as a whole
BOM = b"\xef\xbb\xbf"


class Place(NamedTuple):
    """Between two rows: bytes and lines before it."""

    offset: int
    lines: int


class Piece(NamedTuple):
    """Consecutive rows. values: (rows, columns), float64; times: cells of the time column; lines: where each begins."""

    values: Tensor
    times: list[str]
    lines: list[int]
    after: Place


class CsvRows:
    """names: the columns; first: the place of the first row; piece: how many rows should be read at once.

    The delimiter is what csv.Sniffer finds in the header: a comma, semicolon, tab or bar, or else a space. Raises
    BadInput for bytes that are not UTF-8, NUL bytes, quotes that do not close, lines over 1 MiB, rows with more or
    fewer cells than the header, and headers with empty, repeated or only numeric names.
    """

    def __init__(self, file: SourceFile) -> None:
        self.file, self._delimiter = file, ","
        with file.at(0) as opened:
            start = len(BOM) if opened.read(len(BOM)) == BOM else 0
            opened.seek(start)
            head = next(self._decoded(opened), "")
        for delimiters in (" ", ",;\t|"):  # a space may also be part of a name
            with suppress(csv.Error):  # none of them
                self._delimiter = csv.Sniffer().sniff(head[:4096].rstrip("\r\n"), delimiters).delimiter
        with file.at(start) as opened:
            lines, self.names = next(self._rows(opened, 0), (0, []))
            self.names = [name.strip() for name in self.names]
            self.first = Place(opened.tell(), lines)
        self._check_names()
        self.piece = max(1, min(PIECE, MOST_CELLS // len(self.names)))

    def _check_names(self) -> None:
        if not self.names:
            raise self.file.bad(f"line 1 is empty; allowed: {ALLOWED}")
        if all(map(_is_number, self.names)):
            raise self.file.bad(f"line 1 is numbers, not names of columns; allowed: {ALLOWED}")
        if "" in self.names:
            k = self.names.index("") + 1
            raise self.file.bad(f"column {k} of {len(self.names)} has no name; allowed: a name for each column")
        if len(set(self.names)) < len(self.names):
            twice = Counter(self.names).most_common(1)[0][0]
            raise self.file.bad(f"two columns are named {shown(twice)}; allowed: each name once")

    def _decoded(self, opened: BinaryIO) -> Iterator[str]:
        """Lines as text. They are cut at line feeds alone, so that offsets are those of the file."""
        for raw in iter(partial(opened.readline, LONGEST), b""):
            try:
                line = raw.decode()
            except UnicodeDecodeError as error:
                offset = opened.tell() - len(raw) + error.start
                raise self.file.bad(
                    f"offset {offset}: byte {raw[error.start]:#04x} is not UTF-8; allowed: {ALLOWED}"
                ) from None
            if "\0" in line:
                offset = opened.tell() - len(raw) + raw.index(b"\0")
                raise self.file.bad(f"byte {offset} is NUL, which no text has; allowed: {ALLOWED}")
            if len(raw) == LONGEST and not line.endswith("\n"):
                raise self.file.bad(
                    f"the line around byte {opened.tell()} is longer than {LONGEST} bytes; allowed: {ALLOWED}"
                )
            yield line

    def _rows(self, opened: BinaryIO, lines: int) -> Iterator[tuple[int, list[str]]]:
        """Give the rows from here on, each with the lines up to its end. No line is read before its row is due."""
        reader = csv.reader(self._decoded(opened), delimiter=self._delimiter, strict=True)
        try:
            for row in reader:
                yield lines + reader.line_num, row
        except csv.Error as error:
            raise self.file.bad(f"line {lines + reader.line_num}: {error}; allowed: {ALLOWED}") from None

    def column(self, field: str, name: str) -> int:
        """Give the index of the column that a field of the config names."""
        if name in self.names:
            return self.names.index(name)
        near = " or ".join(map(shown, difflib.get_close_matches(name, self.names)))
        known = ", ".join(map(shown, self.names[:KNOWN]))
        more = f" and {len(self.names) - KNOWN} more" if len(self.names) > KNOWN else ""
        hint = f"did you mean {near}? " if near else ""
        raise BadInput(f"stream.{field}={name}: no such column in {self.file.name}; {hint}allowed: {known}{more}")

    def read(self, place: Place, count: int, columns: Sequence[int], time: int | None = None) -> Piece:
        """Give up to `count` rows from a place on, none at the end of the file: some columns as numbers."""
        flat: list[float] = []
        times, ends = [], [place.lines]
        with self.file.at(place.offset) as opened:
            # Cells are parsed row by row: thousands of lists at once would keep the garbage collector busy.
            for end, row in islice(self._rows(opened, place.lines), count):
                if len(row) != len(self.names):
                    raise self._wrong_length(len(row), ends[-1] + 1)
                text = "".join(row)
                if "_" in text or not text.isascii():  # float() takes 1_000 and digits of other scripts
                    self._check_cells(row, columns, ends[-1] + 1)
                try:
                    flat.extend([float(row[k]) for k in columns])
                except ValueError:
                    self._check_cells(row, columns, ends[-1] + 1)
                if time is not None:
                    times.append(row[time])
                ends.append(end)
            after = Place(opened.tell(), ends[-1])
        values = torch.tensor(flat, dtype=torch.float64).view(-1, len(columns))
        bad = (~(values.abs() <= LARGEST)).nonzero()  # NaN too
        if len(bad):
            k, j = bad[0].tolist()
            raise self._no_number(columns[j], ends[k] + 1, str(float(values[k, j])))
        return Piece(values, times, [end + 1 for end in ends[:-1]], after)

    def _wrong_length(self, cells: int, line: int) -> BadInput:
        return self.file.bad(
            f"line {line} has {cells} cells, the header {len(self.names)}; "
            f"allowed: the same number on each line, parted by {self._delimiter!r}, with decimal points"
        )

    def _check_cells(self, row: list[str], columns: Sequence[int], line: int) -> None:
        """Raise BadInput for the first cell that is no number."""
        for k in columns:
            if not _is_number(row[k]):
                raise self._no_number(k, line, row[k].strip()) from None

    def _no_number(self, column: int, line: int, text: str) -> BadInput:
        what = f"{shown(text)} is not a usable number" if text else "an empty cell"
        allowed = (
            f"finite numbers up to {LARGEST:g} in size, in the columns of stream.inputs and stream.target; "
            "stream.time=COLUMN names a column of times"
        )
        if re.fullmatch(r"[+-]?\d*,\d+", text):
            allowed = f"a decimal point, not a decimal comma: {text.replace(',', '.')}"
        return self.file.bad(f"column {shown(self.names[column])}, line {line}: {what}; allowed: {allowed}")


def _is_number(text: str) -> bool:
    if "_" in text or not text.strip().isascii():
        return False
    try:
        float(text)
    except ValueError:
        return False
    return True
