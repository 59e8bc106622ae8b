"""Mean and deviation of all rows up to and including each row, piece by piece (Welford 1962, merged)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Moments(NamedTuple):
    """rows: how many so far; mean: (columns,); squares: (columns,), summed squared distances from the mean. float64."""

    rows: int
    mean: Tensor
    squares: Tensor

    @classmethod
    def none(cls, columns: int) -> Moments:
        """Of no row."""
        return cls(0, torch.zeros(columns, dtype=torch.float64), torch.zeros(columns, dtype=torch.float64))

    def follow(self, x: Tensor) -> tuple[Tensor, Tensor, Moments]:
        """Take rows x: (rows, columns); give mean and deviation after each row, as x, and the moments after all.

        Distances are taken from the mean before x, or from the first row, so that their squares stay small.
        A deviation of 0 counts as 1.
        """
        if not len(x):
            return x, x, self
        origin = self.mean if self.rows else x[0]
        d = x - origin
        n = torch.arange(self.rows + 1, self.rows + len(x) + 1, dtype=x.dtype).unsqueeze(1)
        total = d.cumsum(0)
        mean = origin + total / n
        squares = (self.squares + (d * d).cumsum(0) - total * total / n).clamp_min(0.0)  # rounding may go below 0
        after = Moments(self.rows + len(x), mean[-1].clone(), squares[-1].clone())
        return mean, deviation(squares, n), after


def deviation(squares: Tensor, n: Tensor) -> Tensor:
    """Root of the mean square, 1 where it is 0."""
    spread = (squares / n).sqrt()
    return torch.where(spread > 0, spread, 1.0)
