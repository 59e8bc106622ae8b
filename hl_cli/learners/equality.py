"""How near two ways of the same step are: the same bits, or round-off."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from hl_cli.errors import BadInput

ROUNDINGS = 1e4  # epsilons, by the largest element: how far what is compiled may be from the eager step


def same_bits(a: Any, b: Any) -> bool:
    """Whether two states are the same, bit by bit: 0 is not -0, and a NaN is itself."""
    if isinstance(a, Tensor):
        return a.dtype == b.dtype and a.shape == b.shape and torch.equal(_bytes(a), _bytes(b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same_bits(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same_bits, a, b))
    return bool(a == b)


def _bytes(a: Tensor) -> Tensor:
    return a.resolve_conj().contiguous().flatten().view(torch.uint8)


def gap_between(found: Sequence[Tensor], eager: Sequence[Tensor], asked: tuple[str, str]) -> float:
    """The largest difference, by the largest element of each; raises BadInput where it is more than round-off.

    asked: the option that asked for it, and one that does without.
    """
    pairs = [(a, b) for a, b in zip(found, eager, strict=True) if b.numel()]
    gaps = [float((a - b).abs().max()) / (float(b.abs().max()) or 1.0) for a, b in pairs]
    gap, most = max(gaps), ROUNDINGS * torch.finfo(eager[0].dtype).eps
    if math.isnan(sum(gaps)) or gap > most:
        raise BadInput(
            f"{asked[0]}: the compiled step is not the eager one: {gap:.1g} apart, by the largest element, "
            f"where {most:.1g} would be round-off; allowed: {asked[1]}"
        )
    return gap
