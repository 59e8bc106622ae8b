"""report.html: what a run was and what came of it, on one page."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from hl_cli.compare.differences import TensorDistance
from hl_cli.compare.running_metrics import RunningMetrics
from hl_cli.reporting import console, facts
from hl_cli.reporting.html import generated, inside, learning
from hl_cli.reporting.html.page import write_page
from hl_cli.reporting.own_units import own_units
from hl_cli.reporting.palette import looks
from hl_cli.reporting.parts import Parts
from hl_cli.reporting.sections import Making, Section
from hl_cli.reporting.thousands import thousands

HEADLINES = {
    "identical": ("{} are equal, bit for bit", "good"),
    "round_off": ("{} are equal up to round-off", "good"),
    "different": ("{} differ", "fair"),
    "not_compared": ("Scores alone are compared", "plain"),
    "diverged": ("A learner diverged", "bad"),
    "undecided": ("Nothing was learnt, so nothing is decided", "plain"),
}
Facts = list[tuple[str, Any]]


def write_report_page(
    folder: Path,
    title: str,
    summary: dict[str, Any],
    tensors: dict[str, list[TensorDistance]],
    tally: RunningMetrics,
    scales: tuple[int, dict[int, float] | None],
    observed: Sequence[Making],
    parts: Parts,
) -> None:
    """Write the page from the files of the run, once all of them are there.

    scales: the period of the tasks and the noise floor, as in the pictures; observed: sections of the observers.
    """
    headline, tone = HEADLINES[summary["verdict"]]
    judged = [name for name in summary["arms"] if "verdict" in summary[name]]
    config = folder / summary["config"] / "config.yaml"
    write_page(
        folder / "report.html",
        "report.html.j2",
        parts,
        title=title,
        headline=headline.format(_both(summary)),
        judged=judged if len(judged) > 1 else [],
        tone=tone,
        summary=summary,
        remark=console.remark,
        numbers=_numbers,
        rows=console.table,
        cumulative=console.cumulative,
        own_units=own_units,
        sections=[*_sections(folder, summary, tally, *scales), *observed],
        tensors=tensors,
        weights=lambda of: facts.weights(of, summary),
        compared=facts.compared,
        environment=_environment,
        config=lambda: config.read_text() if config.exists() else "",
        files=lambda: sorted(
            {"report.html", "report.md", "summary.json"}
            | {p.name for p in folder.iterdir() if p.is_file() and p.suffix != ".tmp"}
        ),
    )


def _sections(
    folder: Path, summary: dict[str, Any], tally: RunningMetrics, period: int, floor: dict[int, float] | None
) -> list[tuple[str, Callable[[], Section | None]]]:
    """All sections in their order, each to be made by itself."""
    arms, labels = looks(summary), summary["labels"]
    kept = {name: of for name, of in tally.retention.items() if of.scores}
    found: list[tuple[str, Callable[[], Section | None]]] = [
        ("loss and scores", lambda: learning.curves(folder, tally.measure, arms, period)),
        ("differences of the weights", lambda: learning.weight_difference(folder, arms, floor)),
        ("a thousand steps at a time", lambda: _thousands(folder, labels)),
    ]
    if kept:
        found += [("tasks", lambda: learning.tasks(folder, kept, labels, console.retention(summary)))]
    if summary["free_run"]:
        found += [("free run", lambda: generated.free_run(folder, summary, arms))]
    theory = [arm for arm in arms if summary[arm.name]["coefficients"]]
    for arm in theory:
        found += [(f"physics of {arm.label}", partial(inside.physics, folder, arm, len(theory) > 1))]
    if summary["pipeline"]:
        found += [("blocks", lambda: inside.pipeline(folder, summary["pipeline"]))]
    return found


def _both(summary: dict[str, Any]) -> str:
    """The primary arm and the reference."""
    if summary["reference"] is None:
        return ""
    return f"{summary['labels'][summary['primary']]} and {summary['labels'][summary['reference']]}"


def _thousands(folder: Path, labels: dict[str, str]) -> Section | None:
    table = thousands(folder, labels)
    if len(table) <= 2:
        return None
    return Section("thousands", "A thousand steps at a time", table=table, numbers=len(table[0]) - 1)


def _numbers(summary: dict[str, Any]) -> Facts:
    """The numbers that a reader looks for first."""
    main = summary["main"]
    held_out = [_number(summary[name][f"held_out_{main}"], ".4g") for name in summary["arms"]]
    loss = [_number(summary[name]["final_loss"], ".4g") for name in summary["arms"]]
    steps = [_number(summary[name]["steps_per_second"], ",.0f") for name in summary["arms"]]
    each: Facts = [
        (f"loss, {' | '.join(summary['labels'].values())}", " | ".join(loss)),
        (f"held-out {main.replace('_', ' ')}", " | ".join(held_out)),
        ("steps/s", " | ".join(steps)),
    ]
    several, both = console.many(summary), f" of {summary['labels'][summary['primary']]}"
    gap = ("largest weight difference" + both * several, _number(summary["max_abs_weight_difference"], ".3g"))
    found: Facts = [("steps", f"{summary['steps']:,}"), *([] if several else each), gap]
    if summary["first_difference_step"] is not None:
        found.append(("first difference after step", f"{summary['first_difference_step']:,}"))
    if summary["drift"] is not None:
        found.append(("largest drift of a state", _number(summary["drift"], ".3g")))
    return found


def _number(value: float | None, form: str) -> str:
    return "none" if value is None else format(value, form)


def _environment(summary: dict[str, Any]) -> Facts:
    return [
        ("device", f"{summary['device']}, {summary['dtype']}"),
        ("threads", summary["threads"]),
        ("processes", summary["processes"]),
        ("system", f"{platform.system()} {platform.release()}, {platform.machine()}"),
        *summary["versions"].items(),
    ]
