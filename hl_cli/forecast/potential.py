r"""A learnt potential U, and a learnt force that need not come from one.

    U(q) = w . tanh(W phi(q) + b),   grad U(q) = pull(q, (w (1 - t^2)) W),  t = tanh(W phi(q) + b)

The gradient is written out: training needs its derivative, so that automatic differentiation would go through twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from hl_cli.forecast.features import Features
from hl_cli.replicates.layers import Weights, affine, drawn


@dataclass(frozen=True)
class Potential:
    """U of some features."""

    features: Features

    def draw(self, n: int, hidden: int, generators: Sequence[torch.Generator]) -> Weights:
        """W, b, w."""
        weight, bias = drawn(generators, self.features.size(n), hidden)
        out, _ = drawn(generators, hidden, 1)
        return {"in_weight": weight, "in_bias": bias, "out_weight": out}

    def value(self, weights: Weights, q: Tensor) -> Tensor:
        """U, (r, b)."""
        inner = affine(self.features.of(q), weights["in_weight"], weights["in_bias"]).tanh()
        return (inner @ weights["out_weight"]).squeeze(-1)

    def gradient(self, weights: Weights, q: Tensor) -> Tensor:
        """dU/dq, (r, b, n)."""
        t = affine(self.features.of(q), weights["in_weight"], weights["in_bias"]).tanh()
        back = weights["out_weight"].mT * (1 - t * t)
        return self.features.pull(q, back @ weights["in_weight"].mT)


class DirectForce:
    """The same net, whose output is -force: in two or more positions nothing makes it a gradient."""

    def draw(self, n: int, hidden: int, generators: Sequence[torch.Generator]) -> Weights:
        """Both layers."""
        (weight, bias), (out, out_bias) = drawn(generators, n, hidden), drawn(generators, hidden, n)
        return {"in_weight": weight, "in_bias": bias, "out_weight": out, "out_bias": out_bias}

    def gradient(self, weights: Weights, q: Tensor) -> Tensor:
        """In place of dU/dq."""
        inner = affine(q, weights["in_weight"], weights["in_bias"]).tanh()
        return affine(inner, weights["out_weight"], weights["out_bias"])
