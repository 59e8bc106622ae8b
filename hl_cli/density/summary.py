"""What came out: medians and quartiles over the replicates, arm by arm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hl_cli.density.study import Score
from hl_cli.replicates.quartiles import Quartiles, quartiles

MEASURES = ("elbo", "bound", "energy_distance", "log_det", "back", "turned")


@dataclass(frozen=True)
class Summary:
    """One arm; a measure that it has not is left out. parameters: the most of all replicates."""

    arm: str
    parameters: int
    lr: float
    measures: dict[str, Quartiles]


def summary_of(own: Sequence[Score]) -> Summary:
    """Of all replicates of one arm."""
    values = {name: [getattr(of, name) for of in own] for name in MEASURES}
    return Summary(
        own[0].arm,
        max(of.parameters for of in own),
        own[0].lr,
        {name: quartiles(of) for name, of in values.items() if None not in of},
    )
