"""What came out of a search: medians and quartiles over the replicates, method by method."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hl_cli.minimise.search import Trials
from hl_cli.replicates.quartiles import Quartiles, quartiles


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
