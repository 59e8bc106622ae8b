"""What came out of a search: medians and quartiles over the replicates, method by method."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hl_cli.minimise.search import Trials

Quartiles = tuple[float, float, float]
"""First quartile, median, third quartile."""


@dataclass(frozen=True)
class Outcome:
    """One method. best: what was judged of the best trial, one number a replicate; transfer: the same on each fresh
    instance; usable: share of trials that end no higher than they began, one number a replicate; settings: those of
    the best trial.
    """

    method: str
    best: Quartiles
    transfer: Quartiles
    usable: Quartiles
    settings: dict[str, Quartiles]


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


def outcomes(found: Sequence[Trials]) -> list[Outcome]:
    """All methods, in their order."""
    return [_outcome([of for of in found if of.method == name]) for name in dict.fromkeys(of.method for of in found)]


def _outcome(own: Sequence[Trials]) -> Outcome:
    return Outcome(
        own[0].method,
        quartiles(float(of.judged[of.best]) for of in own),
        quartiles(value for of in own for value in of.transfer.tolist()),
        quartiles(float(of.usable.double().mean()) for of in own),
        {name: quartiles(float(of.settings[name][of.best]) for of in own) for name in own[0].settings},
    )
