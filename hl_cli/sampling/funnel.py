r"""Neal's funnel: v ~ N(0, 9), x_i ~ N(0, e^v).

    U = v^2/18 + (n - 1) v/2 + e^-v sum_i x_i^2 / 2

Its neck is narrow where v is small: a step that fits the mouth is too long there. The marginal of v is known. Source:
Neal, Slice sampling, Annals of Statistics 31 (2003).
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

SPREAD = 3.0


@choice("target", "funnel", home="Funnel")
@dataclass
class FunnelConfig(TargetConfig):
    """Neal's funnel: the scale of n - 1 numbers is the exponential of another."""

    n: int = described(10, "numbers, v and n - 1 others", least=2, most=200)


class Funnel(Target):
    """v first."""

    metric = "softabs"
    steps: ClassVar = {"hmc": 0.2, "implicit": 0.15, "explicit": 0.05}
    lengths: ClassVar = {"hmc": 25, "implicit": 12, "explicit": 36}

    def __init__(self, generator: torch.Generator, n: int = 10) -> None:
        self.names = ["v", *(f"x{i}" for i in range(1, n))]
        self.cdf = {"v": norm(0.0, SPREAD).cdf}

    def _parts(self, q: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """v, x and e^-v."""
        v = q[:, :1]
        return v, q[:, 1:], (-v).exp()

    def energy(self, q: Tensor) -> Tensor:
        """U."""
        v, x, narrow = self._parts(q)
        own = v.square() / (2 * SPREAD**2) + x.shape[1] / 2 * v
        return (own + narrow / 2 * x.square().sum(1, keepdim=True)).squeeze(1)

    def gradient(self, q: Tensor) -> Tensor:
        """dU/dv, dU/dx."""
        v, x, narrow = self._parts(q)
        own = v / SPREAD**2 + x.shape[1] / 2 - narrow / 2 * x.square().sum(1, keepdim=True)
        return torch.cat([own, narrow * x], 1)

    def hessian(self, q: Tensor) -> Tensor:
        """An arrow: v with each x, and a diagonal."""
        _, x, narrow = self._parts(q)
        made = torch.diag_embed(torch.cat([narrow / 2 * x.square().sum(1, keepdim=True), narrow.expand_as(x)], 1))
        made[:, 0, 0] += 1 / SPREAD**2
        made[:, 0, 1:] = made[:, 1:, 0] = -narrow * x
        return made

    def hessian_along(self, q: Tensor, along: Tensor) -> Tensor:
        """By the three kinds of its elements."""
        _, x, narrow = self._parts(q)
        corner, edge = along[:, :1, 0], along[:, 0, 1:]
        inner = along.diagonal(dim1=1, dim2=2)[:, 1:].sum(1, keepdim=True)
        cross = 2 * (x * edge).sum(1, keepdim=True)
        of_v = narrow * (cross - x.square().sum(1, keepdim=True) / 2 * corner - inner)
        return torch.cat([of_v, narrow * (x * corner - 2 * edge)], 1)

    def information(self, q: Tensor) -> Tensor:
        """Of x given v, with the prior's of v: a diagonal."""
        _, x, narrow = self._parts(q)
        own = torch.full_like(narrow, 1 / SPREAD**2 + x.shape[1] / 2)
        return torch.diag_embed(torch.cat([own, narrow.expand_as(x)], 1))

    def information_along(self, q: Tensor, along: Tensor) -> Tensor:
        """It depends on v alone."""
        _, x, narrow = self._parts(q)
        inner = along.diagonal(dim1=1, dim2=2)[:, 1:].sum(1, keepdim=True)
        return torch.cat([-narrow * inner, torch.zeros_like(x)], 1)

    def start(self, chains: int, generator: torch.Generator) -> Tensor:
        """Draws of the target."""
        drawn = torch.randn(chains, len(self.names), generator=generator, dtype=torch.float64)
        v = SPREAD * drawn[:, :1]
        return torch.cat([v, (v / 2).exp() * drawn[:, 1:]], 1)
