"""From the jobs of a sweep to a study: what the repetitions of each setting say of each arm, and of the reference.

A *repetition* is a job that differs from others by its seed alone; a *setting* is all else that was swept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hl_cli.reporting.sweep_table import WEIGHTS, diverged_at, larger_is_better, score_of
from hl_cli.studies.intervals import Spread, spread

REPETITIONS = ("seed",)  # keys that make repetitions
COUNTED = ("done", "diverged")  # statuses of jobs that have come to an end
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Finding:
    """One arm at one setting by one score.

    values: of its repetitions; difference: of the arm minus the reference, seed by seed, None for the reference itself;
    won, equal: repetitions in which the arm is better than the reference, or as good; pairs: those in which both have
    a number, or one has (a missing number loses); weights: of its net, None where the jobs do not agree or say nothing.
    """

    setting: dict[str, str]
    arm: str
    score: str
    values: Spread
    reference: str | None = None
    difference: Spread | None = None
    won: int = 0
    equal: int = 0
    pairs: int = 0
    weights: int | None = None


def findings(rows: Sequence[Row], swept: Sequence[str], arms: Sequence[str]) -> list[Finding]:
    """All of a sweep: rows of its table, one a job; jobs that are missing, failed or skipped are not counted."""
    return [
        finding
        for setting, jobs in _settings(rows, swept)
        for score in _scores(jobs, arms)
        for finding in _findings(setting, jobs, arms, score)
    ]


def repetitions(rows: Sequence[Row], swept: Sequence[str]) -> int:
    """The most repetitions that any setting has."""
    return max((len(jobs) for _, jobs in _settings(rows, swept)), default=0)


def _settings(rows: Sequence[Row], swept: Sequence[str]) -> Iterator[tuple[dict[str, str], list[Row]]]:
    """Settings in the order in which they are met, each with its jobs."""
    keys = [key for key in swept if key not in REPETITIONS]
    found: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        if row["status"] in COUNTED:
            found.setdefault(tuple(str(row.get(key, "")) for key in keys), []).append(row)
    for values, jobs in found.items():
        yield dict(zip(keys, values, strict=True)), jobs


def _scores(jobs: Sequence[Row], arms: Sequence[str]) -> list[str]:
    """Names of the scores that any arm has, without the arm; speed is none."""
    longest_first = sorted(arms, key=len, reverse=True)
    found: dict[str, None] = {}
    for key in (key for job in jobs for key, value in job.items() if isinstance(value, int | float)):
        arm = next((arm for arm in longest_first if key.startswith(f"{arm}_")), None)
        if arm and not key.endswith("steps_per_second"):
            found.setdefault(key.removeprefix(f"{arm}_"))
    return list(found)


def _findings(setting: dict[str, str], jobs: Sequence[Row], arms: Sequence[str], score: str) -> Iterator[Finding]:
    better = larger_is_better(score)
    for arm in arms:
        mine = [job for job in jobs if f"{arm}_final_loss" in job]
        values = [score_of(job, arm, score) for job in mine]
        if not any(value is not None or arm in diverged_at(job) for value, job in zip(values, mine, strict=True)):
            continue  # a score that others have
        references = {job.get("reference") for job in mine}
        reference = references.pop() if len(references) == 1 else None
        sizes = {job.get(WEIGHTS + arm) for job in mine}
        size = sizes.pop() if len(sizes) == 1 else None
        found = Finding(setting, arm, score, spread(values, better), reference, weights=size)
        if reference is not None and reference != arm:
            found = _held_to(found, values, [score_of(job, reference, score) for job in mine], better)
        yield found


def _held_to(of: Finding, values: Sequence[float | None], others: Sequence[float | None], better: bool) -> Finding:
    """The paired difference from the reference, and who won how often."""
    pairs = [(a, b) for a, b in zip(values, others, strict=True) if a is not None or b is not None]
    gaps = [None if a is None or b is None else a - b for a, b in pairs]
    sign = 1 if better else -1
    won = sum(b is None or (a is not None and sign * (a - b) > 0) for a, b in pairs)
    equal = sum(gap == 0 for gap in gaps)
    return replace(of, difference=spread(gaps, better), won=won, equal=equal, pairs=len(pairs))
