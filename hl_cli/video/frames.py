r"""Frames of a motion, drawn exactly: every body is a Gaussian blob, bright 1 at its centre on a dark 0.

    x(u) = min(1, sum over bodies of exp(-|u - place|^2 / (2 s^2))),   u: the middle of a pixel in [-edge, edge]^2

Rows go down from the top, as in a picture, so that a place above has a small row.
"""

from __future__ import annotations

import torch
from torch import Tensor


def drawn(places: Tensor, size: int, edge: float, width: float) -> Tensor:
    """Frames (..., size * size) in [0, 1] of places (..., bodies, 2), x to the right and y up; width: s."""
    middles = edge * ((2 * torch.arange(size, dtype=places.dtype) + 1) / size - 1)
    across = _along(places[..., 0], middles, width)
    down = _along(places[..., 1], -middles, width)
    return torch.einsum("...br,...bc->...rc", down, across).clamp(max=1.0).flatten(-2)


def _along(places: Tensor, middles: Tensor, width: float) -> Tensor:
    """Of one coordinate, (..., bodies, size)."""
    return (-(places.unsqueeze(-1) - middles).square() / (2 * width * width)).exp()
