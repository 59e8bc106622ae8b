r"""A banana: the posterior of t1 and t2 where only t1 + t2^2 is observed.

    y_j ~ N(t1 + t2^2, variance),  t ~ N(0, 1)        U = sum_j (y_j - t1 - t2^2)^2 / (2 variance) + |t|^2 / 2

The data are drawn with t1 + t2^2 = 1. Its moments and marginals are computed on a grid. Source: Girolami and
Calderhead, J. R. Stat. Soc. B 73 (2011), discussion by Bornn and Cornebise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from hl_cli.config.fields import described
from hl_cli.config.registry import choice
from hl_cli.config.targets import TargetConfig
from hl_cli.sampling.target import Cdf, Target

GRID, REACH = 801, 4.5
TRUTH = 1.0


@choice("target", "banana", home="Banana")
@dataclass
class BananaConfig(TargetConfig):
    """Two numbers of which only t1 + t2^2 is observed."""

    data: int = described(100, "observations", least=1, most=10**6)
    variance: float = described(4.0, "of an observation", above=0)


class Banana(Target):
    """t1, t2."""

    names = ("t1", "t2")
    steps: ClassVar = {"hmc": 0.1, "implicit": 0.1, "explicit": 0.02}
    lengths: ClassVar = {"hmc": 15, "implicit": 15, "explicit": 75}

    def __init__(self, generator: torch.Generator, data: int = 100, variance: float = 4.0) -> None:
        noise = variance**0.5 * torch.randn(data, generator=generator, dtype=torch.float64)
        self._sum, self._data, self._variance = float((TRUTH + noise).sum()), data, variance
        self._square = float((TRUTH + noise).square().sum())
        axis = torch.linspace(-REACH, REACH, GRID, dtype=torch.float64)
        points = torch.stack(torch.meshgrid(axis, axis, indexing="ij"), -1).view(-1, 2)
        mass = (-self.energy(points)).softmax(0).view(GRID, GRID)
        self._axis, self._mass = axis, mass
        self.cdf = {name: self._marginal(mass.sum(1 - k).cumsum(0)) for k, name in enumerate(self.names)}

    def _marginal(self, below: Tensor) -> Cdf:
        ends = self._axis.numpy() + float(self._axis[1] - self._axis[0]) / 2
        return lambda x: np.interp(x, ends, below.numpy())

    def _gap(self, q: Tensor) -> tuple[Tensor, Tensor]:
        """sum_j (t1 + t2^2 - y_j), and t2."""
        return self._data * (q[:, 0] + q[:, 1].square()) - self._sum, q[:, 1]

    def energy(self, q: Tensor) -> Tensor:
        """U."""
        mean = q[:, 0] + q[:, 1].square()
        misfit = self._data * mean.square() - 2 * mean * self._sum + self._square
        return misfit / (2 * self._variance) + q.square().sum(1) / 2

    def gradient(self, q: Tensor) -> Tensor:
        """dU/dt."""
        gap, t2 = self._gap(q)
        return torch.stack([gap, 2 * t2 * gap], 1) / self._variance + q

    def hessian(self, q: Tensor) -> Tensor:
        """The Fisher information, and what the misfit adds."""
        gap, _ = self._gap(q)
        made = self.information(q)
        made[:, 1, 1] += 2 * gap / self._variance
        return made

    def hessian_along(self, q: Tensor, along: Tensor) -> Tensor:
        """By its three kinds of elements."""
        by = self._data / self._variance
        _, t2 = self._gap(q)
        added = torch.stack([2 * by * along[:, 1, 1], 4 * by * t2 * along[:, 1, 1]], 1)
        return self.information_along(q, along) + added

    def information(self, q: Tensor) -> Tensor:
        """(data/variance) (1, 2 t2) (1, 2 t2)^T, and the prior's."""
        slope = torch.stack([torch.ones_like(q[:, 1]), 2 * q[:, 1]], 1)
        of_data = self._data / self._variance * slope.unsqueeze(2) * slope.unsqueeze(1)
        return of_data + torch.eye(2, dtype=q.dtype)

    def information_along(self, q: Tensor, along: Tensor) -> Tensor:
        """It depends on t2 alone."""
        by = self._data / self._variance
        of_t2 = by * (4 * along[:, 0, 1] + 8 * q[:, 1] * along[:, 1, 1])
        return torch.stack([torch.zeros_like(of_t2), of_t2], 1)

    def start(self, chains: int, generator: torch.Generator) -> Tensor:
        """Points of the grid, drawn with their probability."""
        drawn = torch.multinomial(self._mass.view(-1), chains, replacement=True, generator=generator)
        return torch.stack([self._axis[drawn // GRID], self._axis[drawn % GRID]], 1)
