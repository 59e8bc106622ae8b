"""What gives points: a training part, points kept apart that choose, held-out ones that judge, and a real sample."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Parts:
    """(points, n) each. real: points of the same density as `held_out`, none of them in it.

    pictures: points as grey pictures (b, rows, columns) in 0..1, or None where they are none.
    """

    train: Tensor
    apart: Tensor
    held_out: Tensor
    real: Tensor
    pictures: Callable[[Tensor], Tensor] | None = None


class Data(ABC):
    """n: numbers of a point; origin: in words."""

    n: int
    origin: str

    @abstractmethod
    def parts(self, generator: torch.Generator) -> Parts:
        """Those of one replicate, in float64."""

    def log_density(self, x: Tensor) -> Tensor | None:
        """The true log density of points (b, n), or None where nobody knows it."""
        return None


class Drawn(Data):
    """Points of a density that can be drawn from."""

    def __init__(self, train: int, apart: int, held_out: int) -> None:
        self.counts = (train, apart, held_out, held_out)

    @abstractmethod
    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Independent points (count, n)."""

    def parts(self, generator: torch.Generator) -> Parts:
        """Independent draws."""
        train, apart, held_out, real = (self.draw(count, generator) for count in self.counts)
        return Parts(train, apart, held_out, real)


class Rows(Data):
    """Points that are rows of a table: of each replicate 60 % train, 10 % are kept apart, 30 % judge."""

    def __init__(self, rows: Tensor) -> None:
        self.rows = rows

    def shares(self, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Rows to train with, rows kept apart and rows held out, in an order of their own."""
        mixed = self.rows[torch.randperm(len(self.rows), generator=generator)]
        held_out, apart = round(0.3 * len(mixed)), round(0.1 * len(mixed))
        train = len(mixed) - held_out - apart
        return mixed[:train], mixed[train : train + apart], mixed[train + apart :]
