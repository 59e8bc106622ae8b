"""The config of a study: which values of the arms are tuned, and over how many seeds arms are tuned and judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hl_cli.config.fields import described

PHASES = ("", "tuning", "judging")


@dataclass
class Study:
    """With `-m hydra/sweeper=study`: tune every arm with the same budget, then judge all on fresh seeds."""

    tune: dict[str, Any] | None = described(
        {},
        "field: values to try, such as arms.*.lr: [0.01, 0.1], or interval(0.001, 0.1) for draws; * is each arm; "
        "null: arms are judged as they are",
    )
    budget: int | None = described(None, "candidates that each arm tries; null: all of the grid", least=1, most=10**5)
    score: str = described("final_loss", "the score by which each arm is tuned, as in sweep.csv after the arm's name")
    tuning_seeds: int = described(3, "seeds on which arms are tuned: 1000, 1001, ...", least=1, most=10**5)
    seeds: int = described(5, "fresh seeds on which arms are judged: 0, 1, ...", least=1, most=1000)
    show: list[str] | None = described(None, "scores that study.md shows, as in study.csv; null: all of them")
    phase: str = described("", "set by the study for each of its jobs", choices=PHASES)
