"""What came out of a forecast: medians and quartiles over the replicates, arm by arm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hl_cli.forecast.scores import Scores
from hl_cli.replicates.quartiles import Quartiles, quartiles

MEASURES = ("loss", "error_near", "error_horizon", "energy_error", "drift", "drift_worst", "defect")


@dataclass(frozen=True)
class Summary:
    """One arm; a measure that it has not is left out."""

    arm: str
    parameters: int
    measures: dict[str, Quartiles]
    constants: dict[str, Quartiles]


def summary_of(own: Sequence[Scores]) -> Summary:
    """Of all replicates of one arm."""
    values = {name: [getattr(of, name) for of in own] for name in MEASURES}
    return Summary(
        own[0].arm,
        own[0].parameters,
        {name: quartiles(of) for name, of in values.items() if None not in of},
        {name: quartiles(of.constants[name] for of in own) for name in own[0].constants},
    )
