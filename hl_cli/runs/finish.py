"""The end of a run: judge it, and write what is written once, part by part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from hl_cli.build import Comparison
from hl_cli.compare.free_run import free_run
from hl_cli.compare.observer import Observer
from hl_cli.compare.pairs import Pairs
from hl_cli.compare.running_metrics import RunningMetrics
from hl_cli.compare.verdict import Verdict
from hl_cli.config import Run
from hl_cli.config.messages import format_error
from hl_cli.errors import BadSample, LostRank
from hl_cli.learners.stage_report import StageReport, stage_reports
from hl_cli.reporting import console
from hl_cli.reporting.parts import Parts, not_written
from hl_cli.reporting.sections import Making
from hl_cli.reporting.summary import summary, write_json
from hl_cli.reporting.sums import add_sums
from hl_cli.runs.ending import End, files_of
from hl_cli.runs.signals import Interruption
from hl_cli.runs.verdicts import meets, verdicts
from hl_cli.types import Scores

UNJUDGED = Verdict("undecided", "finding the verdict failed, see what was not written")


@dataclass(frozen=True)
class Outcome:
    """The summary that was written, what the process should exit with, and what failed of the end, by its name."""

    summary: dict[str, Any]
    exit_code: int
    errors: dict[str, Exception] = field(default_factory=dict)


def finish(
    cfg: Run,
    built: Comparison,
    folder: Path,
    about: dict[str, Any],
    tally: RunningMetrics,
    pairs: Pairs,
    observers: Mapping[str, Observer],
    stop: Interruption,
    lost: LostRank | BadSample | None,
    extent: str = "full",
) -> Outcome:
    """Judge what the tally has seen and write summary, report and pictures; a part that fails loses only itself.

    extent: how much of the report is made, one of hl_cli.types.REPORTS.
    lost: a lost process or a bad sample, which ended the run; it is raised again once the files are written.
    """
    parts = Parts(format_error)
    stages: list[StageReport] = []
    if not isinstance(lost, LostRank):  # first of all: what follows takes long, and needs nobody
        stages = parts.make("blocks", lambda: [s for learner in built.learners for s in stage_reports(learner)], stages)
        lost = parts.lost or lost
    unjudged = {name: UNJUDGED for name in built.arms if name != built.reference}
    judged = parts.make("verdict", lambda: verdicts(cfg, built, pairs, tally, stop), unjudged)
    drifts = {name: getattr(arm.learner, "drift", None) for name, arm in built.arms.items()}
    for name, drift in drifts.items():
        about["arm_notes"][name]["drift"] = drift
        about["arm_notes"][name]["replayed"] = getattr(built.arms[name].learner, "replayed", None)
    about["drift"] = next((drift for drift in drifts.values() if drift is not None), None)
    generated = None
    if cfg.free_run and not tally.diverged and not lost:
        generated = parts.make(
            "free run", lambda: free_run(built.alone(), built.stream, cfg.free_run, cfg.feed), generated
        )
        lost = parts.lost
        about["free_run"] = parts.make("scores of the free run", generated.scores, None) if generated else None
    received = stop.received
    about["interrupted"] = str(lost) if lost else (received.name if received else None)
    if tally.steps < built.schedule.steps and not (about["interrupted"] or about["ended_early"] or tally.diverged):
        about["note"] += f"; the stream ended after {tally.steps} of the {cfg.steps} steps"
    about["pipeline"] = [asdict(stage) for stage in stages]
    learners = {learner.name: _numbers(learner.name, learner.seconds, tally, parts) for learner in built.learners}
    told: dict[str, None] = {}
    observed: list[Making] = []
    for of, observer in observers.items():
        nothing: Mapping[str, Scores] = {}
        for name, numbers in parts.make(f"numbers of {of}", observer.numbers, nothing).items():
            learners[name] |= numbers
            told |= dict.fromkeys(numbers)
        observed += parts.make(f"observer {of}", partial(observer.sections, built.labels), [])
    about["observed"], about["report"] = [*told], extent
    result = summary(tally, judged, built.primary.name, pairs, learners, about)
    floor = next((verdict.noise_floor for verdict in judged.values() if verdict.noise_floor), None)
    scheme = "" if about["scheme"] == "global" else f", {about['scheme']} scheme"
    title = f"{about['model']} on {about['stream']['name']}, {about['split']} split{scheme}, {about['scenario']}"
    end = End(folder, title, result, tally, pairs, floor, built.schedule.period, stages, generated, observed)
    parts.run(files_of(end, parts, extent))
    parts.make("check sums", lambda: add_sums(folder, ("weights.csv", "free_run.csv")), None)
    result["not_written"] = parts.failed
    write_json(folder / "summary.json", result)  # the last: with it, a run has finished
    if lost:
        where = console.short(folder)
        but = f" (but for {not_written(parts.failed)})" if parts.failed else ""
        kept = f"what was done is in {where}{but}, and resume={where} goes on"
        if isinstance(lost, BadSample):
            raise BadSample(f"{lost}; {kept}") from lost
        raise LostRank(f"ended by {lost} after step {tally.steps}; {kept}")
    code = 128 + received if received else max(0 if meets(cfg, built, judged) else 3, 1 if parts.errors else 0)
    return Outcome(result, code, parts.errors)


def _numbers(name: str, seconds: float, tally: RunningMetrics, parts: Parts) -> dict[str, Any]:
    """The numbers of one learner."""
    scores: dict[str, Any] = parts.make(f"scores of {name}", lambda: tally.of(name, seconds), {})
    kept: dict[str, Any] = parts.make(f"tasks of {name}", tally.retention[name].measures, {})
    return scores | kept
