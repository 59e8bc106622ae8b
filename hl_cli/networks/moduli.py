"""Moduli drawn as in a ring of the unit disc: how fast memories fade at first.

Source: Orvieto et al., Resurrecting Recurrent Neural Networks for Long Sequences, 2023.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from hl_cli.errors import BadInput


def squared_moduli(ring: Sequence[float], number: int) -> Tensor:
    """r^2, (number,), evenly spread between ring[0]^2 and ring[1]^2. Raises BadInput for a ring that is none."""
    if len(ring) != 2 or not 0 < ring[0] <= ring[1] < 1:
        raise BadInput(f"model.ring={list(ring)}: allowed: [least, largest] modulus, above 0 and below 1")
    low, high = ring[0] ** 2, ring[1] ** 2
    return low + (high - low) * torch.rand(number)
