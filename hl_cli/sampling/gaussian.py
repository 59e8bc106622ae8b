r"""A standard normal distribution with a metric that is not constant: a check of samplers on curved space.

    U = |q|^2 / 2,   G = diag(1 + q_i^2)

Everything is known of it, and H(q, p) is not separable.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from scipy.stats import norm
from torch import Tensor

from hl_cli.config.fields import described
from hl_cli.config.registry import choice
from hl_cli.config.targets import TargetConfig
from hl_cli.sampling.target import Target


@choice("target", "gaussian", home="Gaussian")
@dataclass
class GaussianConfig(TargetConfig):
    """A normal distribution with a metric 1 + q^2: all is known of it."""

    n: int = described(1, "numbers", least=1, most=200)


class Gaussian(Target):
    """Independent coordinates."""

    steps: ClassVar = {"hmc": 0.1, "implicit": 0.1, "explicit": 0.1}
    lengths: ClassVar = {"hmc": 10, "implicit": 10, "explicit": 10}

    def __init__(self, generator: torch.Generator, n: int = 1) -> None:
        self.names = [f"q{i}" for i in range(1, n + 1)]
        self.cdf = {name: norm().cdf for name in self.names}

    def energy(self, q: Tensor) -> Tensor:
        """U."""
        return q.square().sum(1) / 2

    def gradient(self, q: Tensor) -> Tensor:
        """q."""
        return q

    def hessian(self, q: Tensor) -> Tensor:
        """1."""
        return torch.eye(q.shape[1], dtype=q.dtype).expand(len(q), -1, -1)

    def hessian_along(self, q: Tensor, along: Tensor) -> Tensor:
        """0."""
        return torch.zeros_like(q)

    def information(self, q: Tensor) -> Tensor:
        """1 + q^2: no information of anything, but a metric."""
        return torch.diag_embed(1 + q.square())

    def information_along(self, q: Tensor, along: Tensor) -> Tensor:
        """2 q_i M_ii."""
        return 2 * q * along.diagonal(dim1=1, dim2=2)

    def start(self, chains: int, generator: torch.Generator) -> Tensor:
        """Draws of the target."""
        return torch.randn(chains, len(self.names), generator=generator, dtype=torch.float64)
