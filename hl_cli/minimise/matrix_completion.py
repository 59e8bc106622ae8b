r"""Matrix completion: find U and V, of `rank` columns each, from a part of the entries of M = A B^T.

    f(U, V) = |P(U V^T - M)|^2 / 2,   P keeps the known entries;   judged by |U V^T - M| / |M|, over all entries

An instance is A and B with standard normal entries, which entries are known, and a start of the same distribution.
Source of the problem: Franca, Robinson, Vidal, arXiv 1903.04100, and references there.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from hl_cli.config.fields import described
from hl_cli.config.functions import FunctionConfig
from hl_cli.config.registry import choice
from hl_cli.minimise.base import Function


@choice("function", "matrix_completion", home="MatrixCompletion")
@dataclass
class MatrixCompletionConfig(FunctionConfig):
    """A matrix of low rank from a part of its entries."""

    rows: int = described(60, "rows, and columns, of the matrix", least=2, most=2000)
    rank: int = described(4, "columns of its two factors", least=1, most=2000)
    known: float = described(0.35, "share of entries that are known", above=0, most=1)


class MatrixCompletion(Function):
    """x holds U, row by row, then V."""

    steps = 60
    trials = 120

    def __init__(
        self, count: int, generator: torch.Generator, rows: int = 60, rank: int = 4, known: float = 0.35
    ) -> None:
        def normal(*shape: int) -> Tensor:
            return torch.randn(*shape, generator=generator, dtype=torch.float64)

        self.shape = (2, rows, rank)
        self.matrix = normal(count, rows, rank) @ normal(count, rank, rows)
        self.known = (torch.rand(count, rows, rows, generator=generator, dtype=torch.float64) < known).double()
        self.start = normal(count, 2 * rows * rank)

    def value(self, x: Tensor) -> Tensor:
        """Over the known entries."""
        return (self.known * self._gap(x)[2]).square().sum((1, 2)) / 2

    def gradient(self, x: Tensor) -> Tensor:
        """R V and R^T U, R = P(U V^T - M)."""
        u, v, gap = self._gap(x)
        gap *= self.known
        return torch.stack([gap @ v, gap.transpose(1, 2) @ u], 1).flatten(1)

    def judged(self, x: Tensor) -> Tensor:
        """Relative error over all entries."""
        return self._gap(x)[2].square().sum((1, 2)).div(self.matrix.square().sum((1, 2))).sqrt()

    def _gap(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        u, v = x.unflatten(1, self.shape).unbind(1)
        return u, v, u @ v.transpose(1, 2) - self.matrix
