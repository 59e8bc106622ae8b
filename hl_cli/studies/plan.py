"""The jobs of a study, as overrides: which keys they set, the tuning jobs, and those that judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hl_cli.studies.tuning import FIRST_TUNING_SEED, JUDGING, TUNING, Candidate, Choice, choose

PHASE = "study.phase"


@dataclass(frozen=True)
class StudyPlan:
    """tried: by arm, its candidates, the same number for each; score: what they are tuned by."""

    tried: dict[str, list[Candidate]]
    score: str
    tuning_seeds: int
    seeds: int

    @property
    def keys(self) -> list[str]:
        """What the jobs set."""
        fields = dict.fromkeys(field for tried in self.tried.values() for one in tried for field in one)
        return [*fields, *([PHASE] if self.tried else []), "seed"]

    def tuning(self) -> list[list[str]]:
        """Each candidate of all arms at once, on each tuning seed."""
        budget = max((len(tried) for tried in self.tried.values()), default=0)
        return [
            [*_said(self.tried, k), f"{PHASE}={TUNING}", f"seed={FIRST_TUNING_SEED + seed}"]
            for k in range(budget)
            for seed in range(self.tuning_seeds)
        ]

    def choices(self, rows: Sequence[Mapping[str, Any]], base: Sequence[str] = ()) -> list[Choice]:
        """What each arm is judged with; rows: of the sweep; base: the combination that its jobs share."""
        shared = dict(one.lstrip("+").split("=", 1) for one in base if "=" in one)
        jobs = [
            row
            for row in rows
            if row.get(PHASE) == TUNING and all(str(row[key]) == v for key, v in shared.items() if key in row)
        ]
        return [choose(arm, tried, jobs, self.score) for arm, tried in self.tried.items()]

    def judging(self, rows: Sequence[Mapping[str, Any]], base: Sequence[str]) -> list[list[str]]:
        """The chosen values on each fresh seed."""
        chosen = [f"{field}={value}" for one in self.choices(rows, base) for field, value in one.candidate.items()]
        phase = [f"{PHASE}={JUDGING}"] if self.tried else []
        return [[*chosen, *phase, f"seed={seed}"] for seed in range(self.seeds)]


def _said(tried: Mapping[str, Sequence[Candidate]], k: int) -> list[str]:
    return [f"{field}={value}" for of in tried.values() for field, value in of[k].items()]
