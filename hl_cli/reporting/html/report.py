"""report.html: what a run was and what came of it, on one page."""

from __future__ import annotations

import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hl_cli.compare.differences import TensorDistance
from hl_cli.compare.tally import LEARNERS, Tally
from hl_cli.reporting import console, facts
from hl_cli.reporting.html import generated, inside, learning
from hl_cli.reporting.html.page import Section, write_page
from hl_cli.reporting.parts import Parts
from hl_cli.reporting.thousands import thousands

HEADLINES = {
    "identical": ("HL and PyTorch are equal, bit for bit", "good"),
    "round_off": ("HL and PyTorch are equal up to round-off", "good"),
    "different": ("HL and PyTorch differ", "fair"),
    "diverged": ("A learner diverged", "bad"),
    "undecided": ("Nothing was learnt, so nothing is decided", "plain"),
}
Facts = list[tuple[str, Any]]


def write_report_page(
    folder: Path,
    title: str,
    summary: dict[str, Any],
    tensors: list[TensorDistance],
    tally: Tally,
    period: int,
    floor: dict[int, float] | None,
    parts: Parts,
) -> None:
    """Write the page from the files of the run, once all of them are there; period, floor: as in the pictures."""
    headline, tone = HEADLINES[summary["verdict"]]
    config = folder / summary["config"] / "config.yaml"
    write_page(
        folder / "report.html",
        "report.html.j2",
        parts,
        title=title,
        headline=headline,
        tone=tone,
        summary=summary,
        remark=console.remark,
        numbers=_numbers,
        rows=console.table,
        cumulative=console.cumulative,
        sections=_sections(folder, summary, tally, period, floor),
        tensors=tensors,
        weights=facts.weights,
        compared=facts.compared,
        environment=_environment,
        config=lambda: config.read_text() if config.exists() else "",
        files=lambda: sorted(
            {"report.html", "report.md", "summary.json"}
            | {p.name for p in folder.iterdir() if p.is_file() and p.suffix != ".tmp"}
        ),
    )


def _sections(
    folder: Path, summary: dict[str, Any], tally: Tally, period: int, floor: dict[int, float] | None
) -> list[tuple[str, Callable[[], Section | None]]]:
    """All sections in their order, each to be made by itself."""
    kept = {name: of for name, of in tally.retention.items() if of.scores}
    found: list[tuple[str, Callable[[], Section | None]]] = [
        ("loss and scores", lambda: learning.curves(folder, tally.measure, period)),
        ("differences of the weights", lambda: learning.weight_difference(folder, floor)),
        ("a thousand steps at a time", lambda: _thousands(folder)),
    ]
    if kept:
        found += [("tasks", lambda: learning.tasks(folder, kept, console.retention(summary)))]
    if summary["free_run"]:
        found += [("free run", lambda: generated.free_run(folder, summary))]
    found += [("physics", lambda: inside.physics(folder))]
    if summary["pipeline"]:
        found += [("blocks", lambda: inside.pipeline(folder, summary["pipeline"]))]
    return found


def _thousands(folder: Path) -> Section | None:
    table = thousands(folder, console.NAMES)
    if len(table) <= 2:
        return None
    return Section("thousands", "A thousand steps at a time", table=table, numbers=len(table[0]) - 1)


def _numbers(summary: dict[str, Any]) -> Facts:
    """The numbers that a reader looks for first."""
    main = summary["main"]
    held_out = [_number(summary[name][f"held_out_{main}"], ".4g") for name in LEARNERS]
    loss = [_number(summary[name]["final_loss"], ".4g") for name in LEARNERS]
    steps = [_number(summary[name]["steps_per_second"], ",.0f") for name in LEARNERS]
    found: Facts = [
        ("steps", f"{summary['steps']:,}"),
        ("loss, HL | PyTorch", " | ".join(loss)),
        (f"held-out {main.replace('_', ' ')}", " | ".join(held_out)),
        ("largest weight difference", _number(summary["max_abs_weight_difference"], ".3g")),
        ("steps/s", " | ".join(steps)),
    ]
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
