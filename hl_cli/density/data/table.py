"""Columns of a CSV file of the user."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from omegaconf import MISSING

from hl_cli.config.data import DataConfig
from hl_cli.config.fields import described
from hl_cli.config.registry import choice
from hl_cli.density.data.base import Parts, Rows
from hl_cli.errors import BadInput
from hl_cli.streams.csv_numbers import numbers
from hl_cli.streams.csv_rows import CsvRows
from hl_cli.streams.source_file import SourceFile

FEWEST = 20  # rows
ALLOWED = "a CSV file with a header, in UTF-8"


@choice("data", "table", home="TableOfNumbers")
@dataclass
class NumbersConfig(DataConfig):
    """Columns of your CSV file, standardised on the training rows; every row is a point."""

    path: str = described(MISSING, "CSV file with a header")
    columns: list[str] = described(MISSING, "columns that are the numbers of a point")


class TableOfNumbers(Rows):
    """Rows in any order: nothing is known of time there."""

    def __init__(self, path: str, columns: list[str]) -> None:
        if not columns:
            raise BadInput("data.columns=[]: no numbers of a point; allowed: names of columns")
        table = CsvRows(SourceFile(path, ALLOWED, "data"))
        chosen = [table.column("columns", name) for name in columns]
        super().__init__(torch.tensor([*numbers(table, chosen)], dtype=torch.float64).view(-1, len(chosen)))
        if len(self.rows) < FEWEST:
            raise BadInput(f"data.path={path}: {len(self.rows)} rows; allowed: at least {FEWEST}")
        for name, column in zip(columns, self.rows.T, strict=True):
            if not float(column.max()) > float(column.min()):
                raise BadInput(f"data.columns: {name} is constant; allowed: columns that change")
        self.n, self.origin = len(columns), f"{', '.join(columns)} of {len(self.rows):,} rows"

    def parts(self, generator: torch.Generator) -> Parts:
        """In units of mean and deviation of the training rows."""
        train, apart, held_out = self.shares(generator)
        mean, deviation = train.mean(0), train.std(0)
        one, two, three = (
            (rows - mean) / torch.where(deviation > 0, deviation, 1.0) for rows in (train, apart, held_out)
        )
        return Parts(one, two, three, one[: len(three)])
