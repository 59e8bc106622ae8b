"""Cells whose gates see x and h by a linear map each: by their weights (hl_cli.networks.units.Local.direct)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from hl_cli.networks.units import Sheet, seen


class TwoMaps:
    """Called with x, h, and the derivatives (gates, batch, units) of the states by the sums of the gates, map by map.

    Lanes: W_ih, b_ih, W_hh, b_hh. Of K states all has an axis in front: (K, 1, gates, batch, units). hidden: numbers
    of h; units: of as many units, a unit each where it is not said.
    """

    def __init__(self, gates: int, hidden: int, states: int = 1, units: int | None = None) -> None:
        self._gates, self._hidden, self._states, self._units = gates, hidden, states, units or hidden
        self._sheet = Sheet(self._lay)

    def __call__(self, x: Tensor, h: Tensor, ih: Tensor, hh: Tensor) -> Tensor:
        """Outer products of (x, 1) and (h, 1) with them."""
        direct, by_x, by_h, sees, x_in, sees_h, h_in = self._sheet(x)
        x_in.copy_(x)
        h_in.copy_(h)
        torch.mul(sees, ih, out=by_x)
        torch.mul(sees_h, hh, out=by_h)
        return direct

    def _lay(self, x: Tensor) -> tuple[Any, ...]:
        (sees, x_in), (sees_h, h_in) = seen(x), seen(x.new_zeros(len(x), self._hidden))
        counts = [self._gates * len(sees), self._gates * len(sees_h)]
        front = (self._states,) if self._states > 1 else ()
        direct = x.new_zeros(*front, sum(counts), len(x), self._units)
        by_x, by_h = (part.unflatten(-3, (-1, self._gates)) for part in direct.split(counts, -3))
        return direct, by_x, by_h, sees, x_in, sees_h, h_in
