r"""A scalar net of a point with a bowl under it, for K and V of a learnt Hamiltonian H(q, p) = K(p) + V(q).

    U(x) = (e^w / 2) |x|^2 + c . softplus(s_2),    s_2 = a(s_1) B + b,    s_1 = x A + d
    grad U(x) = e^w x + ((c * sigmoid(s_2)) B^T * a'(s_1)) A^T

The bowl keeps leapfrogs of untrained weights near 0. The gradient is written out, so that automatic differentiation
goes through a rollout once and not twice; training needs a second derivative of a, which relu has not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from hl_cli.replicates.layers import Weights, affine, drawn

OUT_SCALE = 0.3  # of c at the start, by the root of its length: not far from the bowl


def softplus(s: Tensor) -> tuple[Tensor, Tensor]:
    """log(1 + e^s), and its slope."""
    return functional.softplus(s), s.sigmoid()


def silu(s: Tensor) -> tuple[Tensor, Tensor]:
    """s sigmoid(s), and its slope."""
    gate = s.sigmoid()
    active = s * gate
    return active, gate + active * (1 - gate)


@dataclass(frozen=True)
class ScalarNet:
    """inner: a and a'."""

    inner: Callable[[Tensor], tuple[Tensor, Tensor]]

    def draw(self, name: str, n: int, hidden: int, generators: Sequence[torch.Generator], bowl: float = 0.0) -> Weights:
        """Weights of the net `name` of n coordinates; bowl: w."""
        (first, first_bias), (second, second_bias) = drawn(generators, n, hidden), drawn(generators, hidden, hidden)
        out = [torch.randn(1, hidden, generator=of, dtype=torch.float64) for of in generators]
        return {
            f"{name}_bowl": torch.full((len(generators), 1, 1), bowl, dtype=torch.float64),
            f"{name}_in_weight": first,
            f"{name}_in_bias": first_bias,
            f"{name}_hidden_weight": second,
            f"{name}_hidden_bias": second_bias,
            f"{name}_out_weight": OUT_SCALE * hidden**-0.5 * torch.stack(out),
        }

    def value(self, weights: Weights, name: str, x: Tensor) -> Tensor:
        """(r, b) of x, (r, b, n)."""
        active, _ = self.inner(affine(x, weights[f"{name}_in_weight"], weights[f"{name}_in_bias"]))
        second = affine(active, weights[f"{name}_hidden_weight"], weights[f"{name}_hidden_bias"])
        bowl = weights[f"{name}_bowl"].exp() * x.square().sum(-1, keepdim=True) / 2
        return (bowl + functional.softplus(second) @ weights[f"{name}_out_weight"].mT).squeeze(-1)

    def gradient(self, weights: Weights, name: str, x: Tensor) -> Tensor:
        """By x, (r, b, n)."""
        first, hidden = weights[f"{name}_in_weight"], weights[f"{name}_hidden_weight"]
        active, slope = self.inner(affine(x, first, weights[f"{name}_in_bias"]))
        second = affine(active, hidden, weights[f"{name}_hidden_bias"])
        back = (weights[f"{name}_out_weight"] * second.sigmoid()) @ hidden.mT
        return weights[f"{name}_bowl"].exp() * x + (back * slope) @ first.mT
