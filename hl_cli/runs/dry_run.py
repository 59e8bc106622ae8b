"""dry_run=true: everything is built and one step is taken; then what a run would write, and how long it would take."""

from __future__ import annotations

import io
from pathlib import Path
from time import perf_counter

import torch

from hl_cli.build import Comparison
from hl_cli.compare.metrics import evaluate
from hl_cli.compare.pairs import Pairs
from hl_cli.compare.resume_point import ResumePoint
from hl_cli.compare.schedule import Schedule
from hl_cli.compare.side_by_side import StepRecord, compare_arms
from hl_cli.config import Run
from hl_cli.reporting import console
from hl_cli.runs.finish import Outcome

SECONDS = 1.0  # for the steps by which the time is told


def dry_run(cfg: Run, built: Comparison, folder: Path) -> Outcome:
    """Take a step, and then as many as fit into a second; write nothing."""
    schedule = built.schedule
    pairs = Pairs(built.comparable, built.reference)
    marks: list[tuple[int, float]] = []

    def rest(here: ResumePoint, interrupted: bool) -> None:
        marks.append((here.step, perf_counter()))

    endless = Schedule(10**18, schedule.log_every)  # looks at no held-out samples, which are timed by themselves
    records = compare_arms(built.stream, built.learners, built.measure, endless, pairs, rest=rest)
    first = next(records)
    for record in records:
        if marks[-1][1] - marks[0][1] > SECONDS or record.step >= schedule.steps:
            break
    begin = perf_counter()
    for learner in built.learners:
        evaluate(learner, built.stream.held_out(), built.measure)
    early = (
        "; less, if stop.loss or stop.patience ends it early" if cfg.stop.loss is not None or cfg.stop.patience else ""
    )
    lines = [
        "dry run: one step and some more to tell the time, nothing written",
        f"  step 1      {_said(first, built.labels)}",
        f"  would write to {folder}",
        *(f"    {name:<22} {what}" for name, what in _files(cfg, built)),
        f"  time        {_time(marks, schedule, perf_counter() - begin)}{early}",
    ]
    console.say("\n".join(lines))
    return Outcome({}, 0)


def _said(first: StepRecord, labels: dict[str, str]) -> str:
    """What the step was like."""
    if first.diverged:
        return "; ".join(f"the {d.quantity} of {d.learner} {d.how}" for d in first.diverged)
    losses = ", ".join(f"{means[0]:.4g} ({labels[name]})" for name, means in first.means.items())
    gaps = [
        f"{pair.distance.max_abs:.3g}{f' ({labels[name]})' if len(first.pairs) > 1 else ''}"
        for name, pair in first.pairs.items()
        if pair.distance
    ]
    apart = f"; largest weight difference {', '.join(gaps)}" if gaps else ""
    return f"loss {losses or 'none: no target counts yet'}{apart}"


def _files(cfg: Run, built: Comparison) -> list[tuple[str, str]]:
    """The files of a run, and how much will be in them."""
    s = built.schedule
    measured = _times(s.steps, s.log_every) + (s.log_every > 1 and s.steps > 1)
    files = [("curves.csv", f"{s.steps:,} rows")]
    files += [(f"{name}.csv", f"{measured:,} rows") for name in ("running", "weight_difference", "physics")]
    files += [("evaluation.csv", f"{_times(s.steps, s.eval_every):,} rows")]
    files += [("weights.csv", f"{sum(len(of.weights()) for of in built.learners[:1])} rows")]
    if s.period:
        rows = len(built.stream.held_out_tasks()) * _times(s.steps + s.blend, s.period)
        files += [("tasks.csv, tasks.png", f"{rows:,} rows")]
    if cfg.predictions:
        ticks = built.stream.ticks if built.stream.task.targets == "all" else 1
        files += [("predictions.csv", f"{s.steps * cfg.batch_size * ticks:,} rows")]
    files += [(f"{name}.csv", "rows of an observer") for name in cfg.observe or ()]
    if cfg.free_run:
        files += [("free_run.csv, .png", f"{cfg.free_run:,} rows")]
    if cfg.report != "none":
        files += [("tensorboard/", f"{measured:,} points a curve")]
    memory = io.BytesIO()
    torch.save([arm.state_dict() for arm in built.learners], memory)
    size = memory.tell() + sum(w.nbytes for arm in built.learners for w in arm.weights().values())
    if cfg.checkpoint_every:
        count = min(cfg.keep_checkpoints, (s.steps - 1) // cfg.checkpoint_every + 1)
        files += [("checkpoints/", f"{count} of about {size / 1e6:.2g} MB")]
    if cfg.report in ("light", "none"):
        return [*files, ("summary.json", ""), (".hydra/", "the config")]
    pictures = "curves.png, physics.png; weight_difference.png where weights differ"
    return [*files, ("summary.json, report.md", f"and {pictures}"), (".hydra/", "the config")]


def _times(steps: int, every: int) -> int:
    """How often something happens that is done every so many steps, and after the last."""
    return 1 if not every else steps // every + (steps % every > 0)


def _time(marks: list[tuple[int, float]], schedule: Schedule, evaluation: float) -> str:
    """What the steps took, and so what all will; the first, in which much is done for the first time, is left out."""
    (step, then), (last, now) = marks[min(1, len(marks) - 2)], marks[-1]
    each = (now - then) / (last - step)
    evaluations = _times(schedule.steps, schedule.eval_every)
    whole = each * schedule.steps + evaluation * evaluations
    return (
        f"about {_span(whole)}: {schedule.steps:,} steps of {_span(each)}, {evaluations:,} evaluations of "
        f"{_span(evaluation)}; pictures and files take some seconds, a noise floor up to two thirds more"
    )


def _span(seconds: float) -> str:
    """A time as a person would say it."""
    for limit, unit, name in ((1e-3, 1e-6, "us"), (1.0, 1e-3, "ms"), (120.0, 1.0, "s"), (7200.0, 60.0, "min")):
        if seconds < limit:
            return f"{seconds / unit:.3g} {name}"
    return f"{seconds / 3600:.3g} h"
