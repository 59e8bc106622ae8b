"""A study, as its tables and pages show it: what was chosen by tuning, and what its settings say when judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hl_cli.studies.plan import PHASE
from hl_cli.studies.summary import COUNTED, REPETITIONS, Finding, findings, repetitions
from hl_cli.studies.tuning import JUDGING, Choice, choices

Row = dict[str, Any]


@dataclass(frozen=True)
class Study:
    """found: all findings, those of tuning too; most: repetitions of a setting; chosen: by tuning, where there was any.

    keys: what was swept, without what makes repetitions.
    """

    found: list[Finding]
    keys: list[str]
    most: int
    chosen: list[Choice]

    @property
    def judged(self) -> list[Finding]:
        """Those that people are shown: tuning jobs are in study.csv alone."""
        return [one for one in self.found if not self.chosen or one.setting.get(PHASE) == JUDGING]

    @property
    def shown(self) -> list[str]:
        """The keys that tell settings apart: what was chosen by tuning is in a table of its own."""
        return shown_keys(self.keys, bool(self.chosen))


def shown_keys(keys: Sequence[str], tuned: bool) -> list[str]:
    """The swept keys without the seed, and without those of tuning."""
    return [k for k in keys if k not in REPETITIONS and not (tuned and (k == PHASE or k.startswith("arms.")))]


def study_of(rows: Sequence[Row], swept: Sequence[str], arms: Sequence[str]) -> Study:
    """The study that the rows of a sweep make."""
    ended = [row for row in rows if row["status"] in COUNTED]
    keys = [key for key in swept if key not in REPETITIONS]
    chosen = choices(ended, swept, arms, PHASE, shown_keys(keys, True))
    return Study(findings(rows, swept, arms), keys, repetitions(rows, swept), chosen)


def judged_rows(rows: Sequence[Row]) -> tuple[list[Row], bool]:
    """The jobs that pictures show, and whether arms were tuned before: then those are left out."""
    judged = [row for row in rows if row.get(PHASE) == JUDGING]
    return (judged, True) if judged else (list(rows), False)
