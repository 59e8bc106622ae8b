"""Columns of a CSV file as finite numbers, all rows."""

from __future__ import annotations

import math
from collections.abc import Iterator

from hl_cli.errors import cut
from hl_cli.streams.csv_rows import CsvRows, number


def numbers(table: CsvRows, columns: list[int]) -> Iterator[list[float]]:
    """Rows of numbers; raises BadInput for the first cell that is none."""
    for row in table.rows(table.first):
        if len(row.cells) != len(table.names):
            raise table.file.bad(
                f"line {row.line} has {len(row.cells)} cells; allowed: {len(table.names)}, as the header"
            )
        texts = [row.cells[k].strip() for k in columns]
        found = [number(text) for text in texts]
        for k, text, value in zip(columns, texts, found, strict=True):
            if value is None or not math.isfinite(value):
                raise table.file.bad(
                    f"line {row.line}: {table.names[k]}: {cut(text) or 'empty'}; allowed: a finite number"
                )
        yield [value for value in found if value is not None]
