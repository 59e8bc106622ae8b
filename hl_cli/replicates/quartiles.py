"""Quartiles over replicates."""

from __future__ import annotations

import math
from collections.abc import Iterable

Quartiles = tuple[float, float, float]
"""First quartile, median, third quartile."""
PARTS = ("q1", "median", "q3")


def quartiles(values: Iterable[float]) -> Quartiles:
    """Linear between the two nearest of the ordered values; infinite beside an infinite one.

    >>> quartiles([4.0, 1.0, 2.0, float("inf"), 3.0])
    (2.0, 3.0, 4.0)
    >>> quartiles([1.0, 2.0])
    (1.25, 1.5, 1.75)
    """
    ordered = sorted(values)

    def at(share: float) -> float:
        place = share * (len(ordered) - 1)
        low, part = math.floor(place), place % 1
        if part == 0.0:
            return ordered[low]
        above = ordered[low + 1]
        return above if math.isinf(above) else ordered[low] + part * (above - ordered[low])

    return at(0.25), at(0.5), at(0.75)


def between(values: Quartiles, form: str) -> str:
    """Both quartiles, in a format.

    >>> between((1.0, 2.0, 3.0), ".1f")
    '[1.0, 3.0]'
    """
    return f"[{values[0]:{form}}, {values[2]:{form}}]"
