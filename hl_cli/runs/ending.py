"""The files of the end of a run but its summary: tables, pictures, pages, and what is printed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from hl_cli.compare.differences import TensorDistance
from hl_cli.compare.free_run import FreeRun
from hl_cli.compare.pairs import Pairs
from hl_cli.compare.running_metrics import RunningMetrics
from hl_cli.learners.stage_report import StageReport
from hl_cli.reporting import console, plots
from hl_cli.reporting.free_run import draw_free_run, said, write_free_run
from hl_cli.reporting.html.report import write_report_page
from hl_cli.reporting.own_sections import own_sections
from hl_cli.reporting.palette import looks
from hl_cli.reporting.parts import Part, Parts
from hl_cli.reporting.physics import draw_physics
from hl_cli.reporting.pipeline import draw_pipeline
from hl_cli.reporting.report import report_text
from hl_cli.reporting.sections import Making, Section, made
from hl_cli.reporting.shortened import Curves, shortened
from hl_cli.reporting.tables import write_weights
from hl_cli.reporting.tensor_difference import draw_tensor_difference
from hl_cli.reporting.tensorboard_end import write_end
from hl_cli.reporting.whole import write_text


@dataclass(frozen=True)
class End:
    """What the parts of the end are made of."""

    folder: Path
    title: str
    summary: dict[str, Any]
    tally: RunningMetrics
    pairs: Pairs
    floor: dict[int, float] | None
    period: int
    stages: list[StageReport]
    generated: FreeRun | None
    observed: list[Making]


def files_of(end: End, parts: Parts, extent: str) -> list[Part]:
    """In the order in which they are written; only extent="full" has pictures and pages.

    A page shows pictures that are there, and names what failed before it.
    """
    folder, title, result = end.folder, end.title, end.summary
    full = extent == "full"
    tensors: dict[str, list[TensorDistance]] = {
        name: parts.make(f"differences of the tensors of {name}", of.by_tensor, []) for name, of in end.pairs.of.items()
    }

    @cache
    def curves() -> Curves:
        return shortened(folder / "curves.csv", [arm.name for arm in looks(result)], end.tally.measure)

    @cache
    def sections() -> list[Section]:
        own = own_sections(folder, result, end.tally, end.period, end.floor, curves)
        return made([*own, *end.observed], parts)

    def report() -> str:
        return report_text(title, result, tensors, sections(), parts)

    pages: list[Part] = [
        ("tensorboard/report", lambda: write_end(folder, result, report())),
        ("report.html", lambda: write_report_page(folder, title, result, tensors, sections(), parts)),
        ("report.md", lambda: write_text(folder / "report.md", report())),
    ]
    return [
        ("weights.csv", lambda: write_weights(folder, tensors)),
        *(_pictures(end, curves) if full else ()),
        ("result", lambda: console.say(console.closing(result, console.short(folder)))),
        *_generated(end, full),
        *(pages if full else ()),
    ]


def _pictures(end: End, curves: Callable[[], Curves]) -> list[Part]:
    folder, title, result, tally = end.folder, end.title, end.summary, end.tally
    retained = {name: of for name, of in tally.retention.items() if of.scores}
    labels, arms = result["labels"], looks(result)
    theory = [arm for arm in arms if result[arm.name]["coefficients"]]
    found: list[Part] = [
        ("curves.png", lambda: plots.draw_curves(folder, curves(), title, tally.measure, arms, end.period))
    ]
    if end.pairs.of:
        primary = next(arm for arm in arms if arm.name == (result["primary"]))
        found += [
            ("weight_difference.png", lambda: plots.draw_weight_difference(folder, title, arms, end.floor)),
            ("tensor_difference.png", lambda: draw_tensor_difference(folder, title, primary, arms[0])),
        ]
    if theory:
        found += [("physics.png", lambda: draw_physics(folder, title, theory))]
    if retained:
        found += [("tasks.png", lambda: plots.draw_tasks(folder, title, [*retained.values()], labels))]
    if end.stages:
        found += [("pipeline.png", lambda: draw_pipeline(folder, title, end.stages))]
    return found


def _generated(end: End, full: bool) -> list[Part]:
    """Of a free run."""
    folder, run = end.folder, end.generated
    if run is None:
        return []
    picture: Part = ("free_run.png", lambda: draw_free_run(folder, end.title, run, looks(end.summary)))
    return [
        ("free_run.csv", lambda: write_free_run(folder, run)),
        *([picture] if full else []),
        ("result of the free run", lambda: console.say(said(run, end.summary["labels"]))),
    ]
