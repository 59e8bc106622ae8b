r"""A quadratic with correlated variables, f(x) = x^T Q x / 2, Q_ij = rho^|i - j|.

An instance is a start in [-10, 10]^n. At rho = 0.95 and n = 50 the eigenvalues of Q lie between 0.026 and 25. Source:
Franca, Sulam, Robinson, Vidal, arXiv 1903.04100.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from hl_cli.config.fields import described
from hl_cli.config.functions import FunctionConfig
from hl_cli.config.registry import choice
from hl_cli.minimise.base import Function, uniform


@choice("function", "quadratic", home="Quadratic")
@dataclass
class QuadraticConfig(FunctionConfig):
    """Correlated quadratic: x^T Q x / 2 with Q_ij = rho^|i - j|."""

    n: int = described(50, "variables", least=2, most=10**4)
    rho: float = described(0.95, "correlation of neighbours", least=0, below=1)


class Quadratic(Function):
    """Minimum 0 at 0."""

    steps = 500
    plane: ClassVar = {"n": 2}

    def __init__(self, count: int, generator: torch.Generator, n: int = 50, rho: float = 0.95) -> None:
        place = torch.arange(n, dtype=torch.float64)
        self.matrix = rho ** (place[:, None] - place).abs()
        self.start = uniform(count, n, 10.0, generator)

    def value(self, x: Tensor) -> Tensor:
        """x^T Q x / 2."""
        return (x * self.gradient(x)).sum(1) / 2

    def gradient(self, x: Tensor) -> Tensor:
        """Q x."""
        return x @ self.matrix
