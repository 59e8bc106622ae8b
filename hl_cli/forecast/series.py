r"""Columns of a CSV file as the positions of a system of which no energy is known.

Positions are standardised with mean and deviation of the first part of the rows, on which arms are trained. A velocity
is a column of the file, or else the central difference of the positions, (q_{t+1} - q_{t-1}) / (2 dt). A motion is a
piece of the rows; those that judge a forecast are of the last part.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from omegaconf import MISSING
from torch import Tensor

from hl_cli.config.fields import described
from hl_cli.config.registry import choice
from hl_cli.config.systems import SystemConfig
from hl_cli.dynamics.phase_space import Phase
from hl_cli.dynamics.systems.base import System
from hl_cli.errors import BadInput
from hl_cli.streams.csv_numbers import numbers
from hl_cli.streams.csv_rows import CsvRows
from hl_cli.streams.source_file import SourceFile

FEWEST = 20  # rows
ALLOWED = "a CSV file with a header, in UTF-8"


@choice("system", "series", home="Series")
@dataclass
class SeriesSystemConfig(SystemConfig):
    """Columns of your CSV file as positions, their differences or other columns as velocities; no energy is known."""

    path: str = described(MISSING, "CSV file with a header")
    positions: list[str] = described(MISSING, "columns that are the positions")
    velocities: list[str] | None = described(None, "columns that are their velocities; null: central differences")
    held_out: float = described(0.2, "last part of the rows, for judging", above=0, below=1)


class Series(System):
    """Mass 1 for every column; time in rows."""

    dt, horizon, noise, conserved = 1.0, 200, 0.0, False

    def __init__(
        self, path: str, positions: list[str], velocities: list[str] | None = None, held_out: float = 0.2
    ) -> None:
        if velocities is not None and len(velocities) != len(positions):
            raise BadInput(
                f"system.velocities={list(velocities)}: no velocity for each of the {len(positions)} positions, and a "
                "forecast starts from both; allowed: as many columns, or null for differences"
            )
        table = CsvRows(SourceFile(path, ALLOWED, "system"))
        chosen = [table.column("positions", name) for name in positions]
        chosen += [table.column("velocities", name) for name in velocities or ()]
        values = torch.tensor([*numbers(table, chosen)], dtype=torch.float64).view(-1, len(chosen))
        if len(values) < FEWEST:
            raise BadInput(f"system.path={path}: {len(values)} rows; allowed: at least {FEWEST}")
        self.n, self.mass = len(positions), torch.ones(len(positions), dtype=torch.float64)
        self._split = round(len(values) * (1 - held_out))
        q, known = values[:, : self.n], values[:, self.n :]
        mean, deviation = q[: self._split].mean(0), q[: self._split].std(0)
        for name, of in zip(positions, deviation.tolist(), strict=True):
            if not of > 0:
                raise BadInput(f"system.positions: {name} is constant; allowed: columns that change")
        self.scale = deviation
        self._q = (q - mean) / deviation
        self._v = known / deviation if velocities else None

    def sample(self, count: int, steps: int, dt: float, generator: torch.Generator, held_out: bool) -> Phase:
        """Pieces of rows of one part, each with its own start."""
        q = self._part(self._q, held_out)
        v = (q[2:] - q[:-2]) / (2 * dt) if self._v is None else self._part(self._v, held_out)[1:-1]
        q = q[1:-1]
        begins = torch.randint(len(q) - steps, (count,), generator=generator)
        rows = begins + torch.arange(steps + 1).unsqueeze(1)
        return q[rows], v[rows]

    def longest(self, held_out: bool) -> int | None:
        """Rows of a part but its ends, whose differences need a neighbour."""
        return len(self._part(self._q, held_out)) - 3

    def _part(self, of: Tensor, held_out: bool) -> Tensor:
        return of[self._split :] if held_out else of[: self._split]
