r"""One part of a learnt Hamiltonian H(q, p) = K(p) + V(q): a net of one argument with a bowl under it.

    V(q) = (e^w / 2) |q|^2 + c . softplus(s_2),   s_2 = softplus(s_1) B + b,   s_1 = q A + a
    grad V(q) = e^w q + ((c * sigmoid(s_2)) B^T * sigmoid(s_1)) A^T

The bowl keeps a rollout of untrained weights near 0. Two bowls with e^w = omega are oscillators of angular frequency
omega, the same in every direction. softplus and not relu: training needs second derivatives. The gradient is written
out, so that automatic differentiation goes through a rollout once and not twice.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import softplus

from hl_cli.replicates.layers import Weights, affine, drawn

OUT_SCALE = 0.3  # of c at the start, by the root of its length


def draw(name: str, n: int, hidden: int, omega: float, generators: Sequence[torch.Generator]) -> Weights:
    """Weights of the part `name` of n coordinates, e^w = omega."""
    (first, first_bias), (second, second_bias) = drawn(generators, n, hidden), drawn(generators, hidden, hidden)
    out = [torch.randn(hidden, 1, generator=of, dtype=torch.float64) for of in generators]
    return {
        f"{name}_bowl": torch.full((len(generators), 1, 1), math.log(omega), dtype=torch.float64),
        f"{name}_in_weight": first,
        f"{name}_in_bias": first_bias,
        f"{name}_hidden_weight": second,
        f"{name}_hidden_bias": second_bias,
        f"{name}_out_weight": OUT_SCALE * hidden**-0.5 * torch.stack(out),
    }


def value(weights: Weights, name: str, x: Tensor) -> Tensor:
    """(r, b) of x, (r, b, n)."""
    first = affine(x, weights[f"{name}_in_weight"], weights[f"{name}_in_bias"])
    second = affine(softplus(first), weights[f"{name}_hidden_weight"], weights[f"{name}_hidden_bias"])
    bowl = weights[f"{name}_bowl"].exp() * x.square().sum(-1, keepdim=True) / 2
    return (bowl + softplus(second) @ weights[f"{name}_out_weight"]).squeeze(-1)


def gradient(weights: Weights, name: str, x: Tensor) -> Tensor:
    """By x, (r, b, n)."""
    inner, hidden = weights[f"{name}_in_weight"], weights[f"{name}_hidden_weight"]
    first = affine(x, inner, weights[f"{name}_in_bias"])
    second = affine(softplus(first), hidden, weights[f"{name}_hidden_bias"])
    back = (weights[f"{name}_out_weight"].mT * second.sigmoid()) @ hidden.mT
    return weights[f"{name}_bowl"].exp() * x + (back * first.sigmoid()) @ inner.mT
