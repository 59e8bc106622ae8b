r"""A scalar net of a point with a bowl under it, for V and K of a Hamiltonian.

    U(x) = (e^w / 2) |x|^2 + c . softplus(s_2),    s_2 = silu(s_1) B + b,    s_1 = x A + a
    grad U(x) = e^w x + ((c * sigmoid(s_2)) B^T * silu'(s_1)) A^T,           silu(s) = s sigmoid(s)

The gradient is written out, so that automatic differentiation goes through a flow once and not twice, and softplus is
needed for the value alone. silu in place of a softplus within: after 200 steps its bound is .7 higher.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import silu, softplus

from hl_cli.replicates.layers import Weights, affine, drawn

OUT_SCALE = 0.3  # of c at the start, by the root of its length: not far from the bowl


def draw(name: str, n: int, hidden: int, generators: Sequence[torch.Generator]) -> Weights:
    """Weights of the net `name` of n coordinates, w = 0."""
    (first, first_bias), (second, second_bias) = drawn(generators, n, hidden), drawn(generators, hidden, hidden)
    out = [torch.randn(1, hidden, generator=of, dtype=torch.float64) for of in generators]
    return {
        f"{name}_bowl": torch.zeros(len(generators), 1, 1, dtype=torch.float64),
        f"{name}_in_weight": first,
        f"{name}_in_bias": first_bias,
        f"{name}_hidden_weight": second,
        f"{name}_hidden_bias": second_bias,
        f"{name}_out_weight": OUT_SCALE * hidden**-0.5 * torch.stack(out),
    }


def value(weights: Weights, name: str, x: Tensor) -> Tensor:
    """(r, b) of x, (r, b, n)."""
    first = affine(x, weights[f"{name}_in_weight"], weights[f"{name}_in_bias"])
    second = affine(silu(first), weights[f"{name}_hidden_weight"], weights[f"{name}_hidden_bias"])
    bowl = weights[f"{name}_bowl"].exp() * x.square().sum(-1, keepdim=True) / 2
    return (bowl + softplus(second) @ weights[f"{name}_out_weight"].mT).squeeze(-1)


def gradient(weights: Weights, name: str, x: Tensor) -> Tensor:
    """By x, (r, b, n)."""
    inner, hidden = weights[f"{name}_in_weight"], weights[f"{name}_hidden_weight"]
    first = affine(x, inner, weights[f"{name}_in_bias"])
    gate = first.sigmoid()
    active = first * gate
    second = affine(active, hidden, weights[f"{name}_hidden_bias"])
    back = (weights[f"{name}_out_weight"] * second.sigmoid()) @ hidden.mT
    slope = gate + active * (1 - gate)
    return weights[f"{name}_bowl"].exp() * x + (back * slope) @ inner.mT
