"""The sections that the report of every run has, in their order; those of the observers follow."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from hl_cli.compare.running_metrics import RunningMetrics
from hl_cli.reporting import console
from hl_cli.reporting.html import generated, inside, learning, weights
from hl_cli.reporting.palette import looks
from hl_cli.reporting.sections import Making, Section
from hl_cli.reporting.shortened import Curves
from hl_cli.reporting.thousands import thousands


def own_sections(
    folder: Path,
    summary: dict[str, Any],
    tally: RunningMetrics,
    period: int,
    floor: dict[int, float] | None,
    curves: Callable[[], Curves],
) -> list[Making]:
    """Each is to be made by itself, once all files of the run are there.

    period: of the tasks; floor: the noise floor, by step; curves: gives what is shown of curves.csv.
    """
    arms, labels = looks(summary), summary["labels"]
    kept = {name: of for name, of in tally.retention.items() if of.scores}
    found: list[Making] = [
        ("loss and scores", lambda: learning.curves(folder, curves(), tally.measure, arms, period)),
        ("differences of the weights", lambda: weights.weight_difference(folder, arms, floor)),
        ("a thousand steps at a time", lambda: _thousands(folder, summary)),
    ]
    if kept:
        found += [("tasks", lambda: learning.tasks(folder, kept, labels, console.retention(summary)))]
    if summary["free_run"]:
        found += [("free run", lambda: generated.free_run(folder, summary, arms))]
    theory = [arm for arm in arms if summary[arm.name]["coefficients"]]
    for arm in theory:
        found += [(f"physics of {arm.label}", partial(inside.physics, folder, arm, arm is theory[0], len(theory) > 1))]
    if summary["pipeline"]:
        found += [("blocks", lambda: inside.pipeline(folder, summary["pipeline"]))]
    return found


def _thousands(folder: Path, summary: dict[str, Any]) -> Section | None:
    table = thousands(folder, summary["labels"])
    if len(table) <= 2:
        return None
    words = "Each row is of its own steps, scored before their updates."
    if summary["stream"]["kind"] == "values":
        words += " Power error is the MSE relative to the power of the target: the zero predictor has 1."
    return Section("thousands", "A thousand steps at a time", words, table=table, numbers=len(table[0]) - 1)
