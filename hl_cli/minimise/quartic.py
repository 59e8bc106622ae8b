r"""A quartic whose coefficients differ by orders of magnitude: f(x) = sum_i c_i x_i^4.

The c_i are evenly spaced on a logarithmic scale; the largest is `condition` times the smallest, their product 1. An
instance is a start in [-2, 2]^n. Its curvature 12 c_i x_i^2 vanishes at the minimum: the largest stable step grows all
along the way.
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


@choice("function", "quartic", home="Quartic")
@dataclass
class QuarticConfig(FunctionConfig):
    """Ill-conditioned quartic: sum_i c_i x_i^4 whose c_i differ by a factor of `condition`."""

    n: int = described(50, "variables", least=2, most=10**4)
    condition: float = described(1e4, "largest coefficient by the smallest", least=1, most=1e12)


class Quartic(Function):
    """Minimum 0 at 0."""

    steps = 1000
    plane: ClassVar = {"n": 2}

    def __init__(self, count: int, generator: torch.Generator, n: int = 50, condition: float = 1e4) -> None:
        self.coefficients = condition ** torch.linspace(-0.5, 0.5, n, dtype=torch.float64)
        self.start = uniform(count, n, 2.0, generator)

    def value(self, x: Tensor) -> Tensor:
        """sum_i c_i x_i^4."""
        return ((x * x) ** 2) @ self.coefficients

    def gradient(self, x: Tensor) -> Tensor:
        """4 c_i x_i^3."""
        return 4 * self.coefficients * x * x * x
