"""A density that was learnt: what it says of points, and points of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from sklearn.mixture import GaussianMixture
from torch import Tensor

from hl_cli.density import gaussian_mixture
from hl_cli.density.bounds import bounds, normal
from hl_cli.density.flow import Flow
from hl_cli.replicates.layers import Weights, count

Generators = Sequence[torch.Generator]


class Found(Protocol):
    """All replicates of one arm."""

    @property
    def parameters(self) -> list[int]:
        """Of each replicate."""

    def bounds(self, x: Tensor, samples: int, generators: Generators) -> tuple[Tensor, Tensor]:
        """ELBO and importance bound of points (r, b, n); both log p where that is known."""

    def draw(self, points: int, generators: Generators) -> Tensor:
        """(r, points, n)."""

    def first(self) -> Found:
        """The first replicate alone."""


@dataclass(frozen=True)
class FoundFlow:
    """n: numbers of a point."""

    flow: Flow
    weights: Weights
    n: int

    @property
    def parameters(self) -> list[int]:
        """The same for all."""
        some = next(iter(self.weights.values()))
        return [count(self.weights)] * len(some)

    def bounds(self, x: Tensor, samples: int, generators: Generators) -> tuple[Tensor, Tensor]:
        """Without gradients."""
        some = next(iter(self.weights.values()))
        with torch.no_grad():
            return bounds(self.flow, self.weights, x.to(some), samples, generators)

    def path(self, points: int, generators: Generators) -> list[Tensor]:
        """States of so many points on their way from noise."""
        some = next(iter(self.weights.values()))
        with torch.no_grad():
            noise = normal(some.new_empty(len(some), points, self.flow.latent(self.n)), generators)
            return self.flow.path(self.weights, noise)

    def draw(self, points: int, generators: Generators) -> Tensor:
        """The ends of paths."""
        return self.path(points, generators)[-1][..., : self.n]

    def first(self) -> FoundFlow:
        """Its weights."""
        return FoundFlow(self.flow, {name: of[:1] for name, of in self.weights.items()}, self.n)


@dataclass(frozen=True)
class FoundMixture:
    """A mixture a replicate."""

    of: Sequence[GaussianMixture]

    @property
    def parameters(self) -> list[int]:
        """By the number of Gaussians."""
        return [gaussian_mixture.count(one) for one in self.of]

    def bounds(self, x: Tensor, samples: int, generators: Generators) -> tuple[Tensor, Tensor]:
        """log p."""
        found = torch.stack([gaussian_mixture.log_density(one, of) for one, of in zip(self.of, x, strict=True)])
        return found, found

    def draw(self, points: int, generators: Generators) -> Tensor:
        """Independent points."""
        return torch.stack([gaussian_mixture.draw(one, points, g) for one, g in zip(self.of, generators, strict=True)])

    def first(self) -> FoundMixture:
        """One mixture."""
        return FoundMixture(self.of[:1])
