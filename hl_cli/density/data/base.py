"""What gives points: a training part, points kept apart that choose, held-out ones that judge, and a real sample."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Parts:
    """(points, n) each. real: points of the same density as `held_out`, none of them in it."""

    train: Tensor
    apart: Tensor
    held_out: Tensor
    real: Tensor


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

    def pictures(self, x: Tensor) -> Tensor | None:
        """Points (b, n) as grey pictures (b, rows, columns) in 0..1, or None where they are none."""
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
        return Parts(*(self.draw(count, generator) for count in self.counts))
