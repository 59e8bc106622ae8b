"""What a flow is: an invertible map of normal noise z to points x, for all replicates at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar, Protocol

import torch
from torch import Tensor

from hl_cli.replicates.layers import Weights


class Flow(Protocol):
    """z: (r, b, latent), x: (r, b, n). momentum: whether z holds a momentum beside x, so that log p is bounded only."""

    momentum: ClassVar[bool]

    def latent(self, n: int) -> int:
        """Numbers of z for points of n numbers."""

    def draw(self, n: int, hidden: int, generators: Sequence[torch.Generator]) -> Weights:
        """Weights, a generator a replicate."""

    def path(self, weights: Weights, z: Tensor) -> list[Tensor]:
        """States from z to the end, each (r, b, latent); the first n numbers of the last are x."""

    def inverse(self, weights: Weights, state: Tensor) -> Tensor:
        """z of an end."""

    def log_weight(self, weights: Weights, x: Tensor, noise: Tensor) -> Tensor:
        """An estimate of log p(x), (r, b), whose mean is at most log p; noise: as x, standard normal."""


def log_normal(x: Tensor) -> Tensor:
    """log N(x; 0, I) over the last dimension."""
    return -(x.square().sum(-1) + x.shape[-1] * math.log(2 * math.pi)) / 2
