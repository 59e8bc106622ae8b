r"""Rosenbrock's function, a curved valley: f(x) = sum_i 100 (x_{i+1} - x_i^2)^2 + (1 - x_i)^2, i = 1 to n - 1.

An instance is a start in [-2.048, 2.048]^n. Source: Rosenbrock, Comput. J. 3 (1960), in its form of n variables.
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


@choice("function", "rosenbrock", home="Rosenbrock")
@dataclass
class RosenbrockConfig(FunctionConfig):
    """Rosenbrock's curved valley, in n variables."""

    n: int = described(100, "variables", least=2, most=10**4)


class Rosenbrock(Function):
    """Minimum 0 at (1, ..., 1); in four and more variables there is another, local one near x_1 = -1."""

    steps = 2000
    plane: ClassVar = {"n": 2}

    def __init__(self, count: int, generator: torch.Generator, n: int = 100) -> None:
        self.start = uniform(count, n, 2.048, generator)

    def value(self, x: Tensor) -> Tensor:
        """The sum over neighbours."""
        here, after = x[:, :-1], x[:, 1:]
        return (100 * (after - here**2) ** 2 + (1 - here) ** 2).sum(1)

    def gradient(self, x: Tensor) -> Tensor:
        """Of each variable by its two neighbours."""
        here, after = x[:, :-1], x[:, 1:]
        gap = after - here * here
        found = torch.zeros_like(x)
        found[:, :-1] = 2 * (here - 1) - 400 * here * gap
        found[:, 1:] += 200 * gap
        return found
