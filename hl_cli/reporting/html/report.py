"""report.html: what a run was and what came of it, on one page."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hl_cli.compare.differences import TensorDistance
from hl_cli.reporting import console, facts
from hl_cli.reporting.html.page import write_page
from hl_cli.reporting.own_units import own_units
from hl_cli.reporting.parts import Parts
from hl_cli.reporting.sections import Section

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
    sections: Sequence[Section],
    parts: Parts,
) -> None:
    """Write the page from the files of the run, once all of them are there."""
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
        sections=sections,
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


def _both(summary: dict[str, Any]) -> str:
    """The primary arm and the reference."""
    if summary["reference"] is None:
        return ""
    return f"{summary['labels'][summary['primary']]} and {summary['labels'][summary['reference']]}"


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
