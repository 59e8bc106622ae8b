"""What the pictures of a sweep draw: panels of lines, a line an arm and setting, over its repetitions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hl_cli.reporting.columns import read
from hl_cli.reporting.palette import OTHERS, OWN, key_of
from hl_cli.reporting.sweep_pivot import layout, panel_of, value_of
from hl_cli.reporting.sweep_table import arms_of, diverged_at, label_of, larger_is_better

KEYS = (*OWN, *(f"arm{k}" for k in range(len(OTHERS))))  # names of colours, of pictures and pages alike
FILE = "running.csv"
QUARTILES = (0.25, 0.5, 0.75)
DECADES = 50  # a loss over so many times its least is on a logarithmic scale
HIGHEST = 3.0  # of a loss in medians, or where it began: what is above is cut off
Row = dict[str, Any]


@dataclass(frozen=True)
class Line:
    """One arm at one setting.

    setting: what the colour stands for, "" where that is the arm; approach: what the marker stands for; color: a key of
    the palette; wide: the reference, a pale line on which others may lie; jobs: the repetitions.
    """

    arm: str
    setting: str
    approach: str
    color: str
    wide: bool
    jobs: tuple[Row, ...]

    @property
    def label(self) -> str:
        """The arm as people call it."""
        return label_of(self.jobs, self.arm)

    @property
    def diverged(self) -> int:
        """How many repetitions diverged."""
        return sum(self.arm in diverged_at(job) for job in self.jobs)


@dataclass(frozen=True)
class Band:
    """A score over the steps: the median of the repetitions and their quartiles, None where there is only one.

    ends: step and last score of each repetition that diverged. It counts as the worst from then on, so that a median
    of NaN says that half of them had diverged.
    """

    steps: np.ndarray
    middle: np.ndarray
    low: np.ndarray | None
    high: np.ndarray | None
    ends: list[tuple[float, float]]


def panels(folder: Path, rows: Sequence[Row], keys: Sequence[str], fixed: Row) -> dict[str, list[Line]]:
    """The panels by title, in the order of the command; keys: those that were swept, without the seed.

    fixed: model and stream where they are not swept. Jobs that left no curves are passed over.
    """
    shown = [row for row in rows if row.get("folder") and (folder / row["folder"] / FILE).is_file()]
    arms = arms_of(shown)
    of = layout(keys, len(arms))
    settings = list(dict.fromkeys(value_of(row, of.color) for row in shown))
    found: dict[str, dict[tuple[str, str, str], list[Row]]] = {}
    for row in sorted(shown, key=lambda row: _order(shown, row, of.panel)):
        lines = found.setdefault(panel_of({**fixed, **row}, of.panel), {})
        for arm in arms_of([row]):
            lines.setdefault((value_of(row, of.color), value_of(row, of.marker), arm), []).append(row)
    return {
        name: sorted(
            (
                Line(
                    arm,
                    setting,
                    approach,
                    KEYS[settings.index(setting) % len(KEYS)] if of.color else key_of(arm, arms),
                    jobs[0].get("reference", "pytorch") == arm,
                    tuple(jobs),
                )
                for (setting, approach, arm), jobs in lines.items()
            ),
            key=lambda line: not line.wide,
        )
        for name, lines in found.items()
    }


def _order(rows: Sequence[Row], row: Row, keys: Sequence[str]) -> tuple[int, ...]:
    """Panels stand in the order of the command, key by key."""
    return tuple(next(k for k, one in enumerate(rows) if one[key] == row[key]) for key in keys)


class Curves:
    """The scores of the last 100 steps of jobs; each file is read once."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._tables = folder, {}  # type: ignore[var-annotated]

    def band(self, line: Line, quantity: str) -> Band | None:
        """A score of a line; None where its arm has no such score."""
        column = f"window_{line.arm}_{quantity}"
        found = [self._curve(job, line.arm, column) for job in line.jobs if column in self._table(job)]
        return band(found, larger_is_better(quantity)) if found else None

    def _table(self, job: Row) -> dict[str, Any]:
        name = str(job["folder"])
        if name not in self._tables:
            self._tables[name] = read(self._folder / name / FILE)
        return self._tables[name]

    def _curve(self, job: Row, arm: str, column: str) -> tuple[np.ndarray, np.ndarray, int | None]:
        """Steps and scores up to where the arm diverged, and that step."""
        steps, values = (np.array(self._table(job)[name]) for name in ("step", column))
        gone = diverged_at(job).get(arm)
        own = steps < (np.inf if gone is None else gone)
        return steps[own], values[own], gone


def band(curves: Sequence[tuple[np.ndarray, np.ndarray, int | None]], larger: bool) -> Band:
    """Put repetitions together: steps, scores, and the step of a divergence of each; larger: is better."""
    steps = np.unique(np.concatenate([steps for steps, _, _ in curves]))
    grid = np.full((len(curves), len(steps)), np.nan)
    ends = []
    for k, (own, values, gone) in enumerate(curves):
        grid[k, np.searchsorted(steps, own)] = values
        if gone is not None:
            grid[k, steps >= gone] = -np.inf if larger else np.inf
            ends += [(float(gone), float(values[-1]))] if len(values) else []
    if len(curves) == 1:
        return Band(steps, np.where(np.isfinite(grid[0]), grid[0], np.nan), None, None, ends)
    quartiles = np.full((3, len(steps)), np.nan)
    some = ~np.isnan(grid).all(0)
    whole = some & ~np.isinf(grid).any(0)
    for where, method in ((whole, "linear"), (some & ~whole, "inverted_cdf")):  # nothing is interpolated with infinity
        if where.any():
            quartiles[:, where] = np.nanquantile(grid[:, where], QUARTILES, axis=0, method=method)  # type: ignore[call-overload]
    low, middle, high = np.where(np.isfinite(quartiles), quartiles, np.nan)
    return Band(steps, middle, low, high, ends)


def reach(bands: Sequence[Band], quantity: str, late: int = 0) -> tuple[bool, float, float] | None:
    """Whether an axis is logarithmic, and its ends; None where they may be those of the data.

    Curves of runs that diverged rule no axis, unless there are no others. late: the step from which on a ratio does.
    """
    sound = [of for of in bands if not of.ends] or bands
    edges = [[edge for edge in (of.middle, of.low, of.high) if edge is not None] for of in sound]
    seen = [edge[of.steps > late] for of, own in zip(sound, edges, strict=True) for edge in own]
    values = np.concatenate([edge[np.isfinite(edge)] for edge in seen]) if seen else np.empty(0)
    if not len(values):
        return None
    low, high = float(values.min()), float(values.max())
    if quantity == "loss" and low > 0 and high / low > DECADES:
        return True, low / 1.3, high * 1.3
    if quantity == "loss":
        start = max((float(of.middle[0]) for of in sound if np.isfinite(of.middle[:1]).all()), default=0.0)
        return False, 0.0, min(high, max(start, HIGHEST * float(np.median(values)))) * 1.05 + 1e-12
    if quantity == "accuracy":
        return False, 0.0, 1.02
    return (False, -1.05, max(1.02, high)) if low < -1 else (False, min(1.05 * low - 0.02, -0.02), 1.02)


def divergences(rows: Sequence[Row], keys: Sequence[str]) -> list[str]:
    """The runs that diverged, in words: adam at step 37 (job 3: lr 0.1, seed 1)."""
    return [
        f"{label_of(rows, arm)} at step {step} (job {row['job']}{': ' * bool(keys)}"
        + ", ".join(f"{key.rpartition('.')[2]} {row[key]}" for key in keys if key in row)
        + ")"
        for row in rows
        for arm, step in diverged_at(row).items()
    ]
