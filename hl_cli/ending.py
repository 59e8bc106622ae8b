"""The end of a run: judge it, and write what is written once."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from hl_cli.building import Comparison
from hl_cli.compare.differences import Differences
from hl_cli.compare.free_run import free_run
from hl_cli.compare.tally import Tally
from hl_cli.compare.verdict import judge, noise_floor
from hl_cli.errors import LostRank
from hl_cli.interruption import Interruption
from hl_cli.learners.stage_report import StageReport, stage_reports
from hl_cli.reporting import console, plots
from hl_cli.reporting.free_run import said, write_free_run
from hl_cli.reporting.html.report import write_report_page
from hl_cli.reporting.physics import draw_physics
from hl_cli.reporting.pipeline import draw_pipeline
from hl_cli.reporting.report import write_report
from hl_cli.reporting.summary import summary, write_json
from hl_cli.reporting.tables import write_weights
from hl_cli.reporting.tensor_difference import draw_tensor_difference
from hl_cli.reporting.tensorboard_end import write_end

REPLAY_AFTER_SIGNAL = 1000  # steps: whoever sends a signal wants the files soon


@dataclass(frozen=True)
class Outcome:
    """The summary that was written, and what the process should exit with."""

    summary: dict[str, Any]
    exit_code: int


def finish(
    cfg: DictConfig,
    built: Comparison,
    folder: Path,
    about: dict[str, Any],
    tally: Tally,
    differences: Differences,
    stop: Interruption,
    lost: LostRank | None,
) -> Outcome:
    """Judge what the tally has seen and write summary, report and pictures.

    lost: a process that was lost, which ended the run; it is raised again once the files are written.
    """
    measure = tally.measure
    stages: list[StageReport] = []
    try:
        stages = [] if lost else stage_reports(built.hl)  # first of all: what follows takes long, and needs nobody
    except LostRank as gone:
        lost = gone
    verdict = judge(
        differences.first_step,
        tally.apart,
        tally.diverged,
        cfg.tau,
        lambda steps: _replay(built, steps, cfg.seed, stop),
        tally.learnt,
        built.another_method,
        f"{len(tally.apart)} compared steps" if built.hl.weights_elsewhere else "every step",
        built.hl.drift,
    )
    about["drift"] = built.hl.drift
    generated = None
    if cfg.free_run and not tally.diverged and not lost:
        generated = free_run(built.alone(), built.stream, cfg.free_run, cfg.feed)
        about["free_run"] = generated.scores() if generated else None
    received = stop.received
    about["interrupted"] = str(lost) if lost else (received.name if received else None)
    if tally.steps < built.schedule.steps and not about["interrupted"] and not tally.diverged:
        about["note"] += f"; the stream ended after {tally.steps} of the {cfg.steps} steps"
    about["pipeline"] = [asdict(stage) for stage in stages]
    seconds = {"hl": built.hl.seconds, "pytorch": built.pytorch.seconds}
    result = summary(tally, verdict, differences, seconds, about)
    tensors = differences.by_tensor()
    scheme = "" if cfg.scheme.name == "global" else f", {cfg.scheme.name} scheme"
    title = f"{cfg.model.name} on {cfg.stream.name}, {cfg.split.name} split{scheme}, {cfg.scenario.name}"
    write_weights(folder, tensors)
    write_report(folder, title, result, tensors, tally.retention)
    plots.draw_curves(folder, title, measure, built.schedule.period)
    if built.schedule.period:
        plots.draw_tasks(folder, title, list(tally.retention.values()), console.NAMES)
    if stages:
        draw_pipeline(folder, title, stages)
    plots.draw_weight_difference(folder, title, verdict.noise_floor)
    draw_tensor_difference(folder, title)
    draw_physics(folder, title)
    console.say(console.closing(result, _short(folder)))
    if generated:
        write_free_run(folder, title, generated)
        console.say(said(generated))
    write_end(folder, result)
    write_report_page(folder, title, result, tensors, tally, built.schedule.period, verdict.noise_floor)
    write_json(folder / "summary.json", result)  # the last: with it, a run has finished
    if lost:
        where = _short(folder)
        raise LostRank(
            f"ended by {lost} after step {tally.steps}; what was done is in {where}, and resume={where} goes on"
        )
    return Outcome(result, 128 + received if received else (0 if verdict.meets(cfg.expect) else 3))


def _replay(built: Comparison, steps: list[int], seed: int, stop: Interruption) -> dict[int, float]:
    """The noise floor, which takes two more PyTorch runs; after a signal only of the first steps."""
    stopped = stop()
    if stopped:
        steps = [step for step in steps if step <= REPLAY_AFTER_SIGNAL]
    console.say(f"  the weights differ: running PyTorch twice more over {max(steps)} steps for the noise floor")
    try:
        return noise_floor(built.fresh_stream(), built.fresh_pytorch, steps, seed, lambda: not stopped and stop())
    except KeyboardInterrupt:
        return {}


def _short(folder: Path) -> Path:
    """The folder as a person would type it."""
    here = Path.cwd()
    return folder.relative_to(here) if folder.is_relative_to(here) else folder
