"""Layers of several nets at once: weights have a leading dimension of replicates, and so have points, (r, b, n)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

Weights = dict[str, Tensor]
"""By name, (r, in, out) and (r, 1, out) each."""


def affine(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """x W + b of each replicate: (r, b, in) to (r, b, out)."""
    return torch.baddbmm(bias, x, weight)


def drawn(generators: Sequence[torch.Generator], inner: int, outer: int) -> tuple[Tensor, Tensor]:
    """Weight and bias of a layer, uniform in +-1/sqrt(in) as torch.nn.Linear has them; a generator a replicate."""
    bound = inner**-0.5
    both = [torch.rand(inner + 1, outer, generator=of, dtype=torch.float64) for of in generators]
    whole = bound * (2 * torch.stack(both) - 1)
    return whole[:, :inner], whole[:, inner:]


def gated(weights: Weights, x: Tensor, hidden: Tensor) -> Tensor:
    """The next hidden state of a GRU, by torch.nn.GRUCell's equations: x_weight, x_bias, h_weight, h_bias."""
    of_x = affine(x, weights["x_weight"], weights["x_bias"]).chunk(3, -1)
    of_h = affine(hidden, weights["h_weight"], weights["h_bias"]).chunk(3, -1)
    reset, keep = (of_x[0] + of_h[0]).sigmoid(), (of_x[1] + of_h[1]).sigmoid()
    new = (of_x[2] + reset * of_h[2]).tanh()
    return new + keep * (hidden - new)


def count(weights: Weights) -> int:
    """Parameters of one replicate."""
    return sum(of[0].numel() for of in weights.values())
