"""What came out: medians and quartiles over the replicates, arm by arm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hl_cli.replicates.quartiles import Quartiles, quartiles
from hl_cli.video.scores import MEASURES, Scores


@dataclass(frozen=True)
class Summary:
    """One arm; a measure that it has not is left out."""

    arm: str
    parameters: int
    measures: dict[str, Quartiles]


def summary_of(own: Sequence[Scores]) -> Summary:
    """Of all replicates of one arm."""
    values = {name: [getattr(of, name) for of in own] for name in MEASURES}
    return Summary(
        own[0].arm, own[0].parameters, {name: quartiles(of) for name, of in values.items() if None not in of}
    )
