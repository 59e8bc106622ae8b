"""Rows of a CSV file as texts, read one by one from any byte offset."""

from __future__ import annotations

import csv
import difflib
import re
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import suppress
from functools import partial
from typing import BinaryIO, NamedTuple

from hl_cli.errors import BadInput
from hl_cli.streams.source_file import SourceFile, shown
from hl_cli.streams.windows import PIECE

ALLOWED = "a CSV file with a header, in UTF-8 or as stream.encoding= says"
KNOWN = 20  # names that a message lists
MOST_CELLS = 2**18  # in memory at once
MOST_BLANK = 1000  # lines that may follow the last row
LONGEST = 2**20  # bytes of a line, so that a file without line ends is not read as a whole
BOM = b"\xef\xbb\xbf"


class Place(NamedTuple):
    """Between two rows: bytes and lines before it."""

    offset: int
    lines: int


class Row(NamedTuple):
    """line: where it begins, from 1; after: where the next one does."""

    line: int
    after: Place
    cells: list[str]


class CsvRows:
    """names: the columns; first: the place of the first row; piece: how many rows should be read at once.

    The delimiter is what csv.Sniffer finds in the header: a comma, semicolon, tab or bar, or else a space; or what a
    line "sep=;" says above it, which Excel writes. Raises BadInput for bytes that are not UTF-8, NUL bytes, quotes that
    do not close, lines over 1 MiB, and headers with empty, repeated or only numeric names.
    """

    def __init__(self, file: SourceFile) -> None:
        self.file, self._delimiter = file, ","
        with file.at(0) as opened:
            start, above = len(BOM) if opened.read(len(BOM)) == BOM else 0, 0
            opened.seek(start)
            head = next(self._decoded(opened), "")
            if said := re.fullmatch(r"sep=(.)\s*", head, re.IGNORECASE):
                start, above, self._delimiter = opened.tell(), 1, said[1]
        if not above:
            for delimiters in (" ", ",;\t|"):  # a space may also be part of a name
                with suppress(csv.Error):  # none of them
                    self._delimiter = csv.Sniffer().sniff(head[:4096].rstrip("\r\n"), delimiters).delimiter
        with file.at(start) as opened:
            lines, self.names = next(self._read(opened, above), (above, []))
            self.names = [name.strip() for name in self.names]
            self.first = Place(opened.tell(), lines)
        self._check_names()
        self.piece = max(1, min(PIECE, MOST_CELLS // len(self.names)))

    def _check_names(self) -> None:
        if not self.names:
            raise self.file.bad(f"line 1 is empty; allowed: {ALLOWED}")
        if all(number(name) is not None for name in self.names):
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

    def rows(self, place: Place) -> Generator[Row, None, None]:
        """Give the rows from a place on. Blank lines, and rows of empty cells, at the end of the file are none."""
        blank: list[Row] = []
        with self.file.at(place.offset) as opened:
            line = place.lines
            for end, cells in self._read(opened, line):
                row = Row(line + 1, Place(opened.tell(), end), cells)
                line = end
                if len(blank) < MOST_BLANK and not "".join(cells).strip():
                    blank.append(row)
                    continue
                if blank:
                    yield from blank
                    blank.clear()
                yield row

    def _read(self, opened: BinaryIO, lines: int) -> Iterator[tuple[int, list[str]]]:
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
        raise BadInput(
            f"{self.file.group}.{field}={name}: no such column in {self.file.name}; {hint}allowed: {known}{more}"
        )


def number(text: str, decimal: str = ".") -> float | None:
    """The number that a text is; None where it is none. float() takes 1_000 and digits of other scripts, too."""
    if "_" in text or not text.isascii() or (decimal != "." and "." in text):
        return None
    try:
        return float(text.replace(decimal, "."))
    except ValueError:
        return None
