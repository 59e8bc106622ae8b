"""One run from config to files: build, compare, judge, write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from omegaconf import DictConfig, OmegaConf

from hl_cli.about import CONFIG, about_run
from hl_cli.building import Comparison, comparison
from hl_cli.compare.differences import Differences
from hl_cli.compare.free_run import free_run
from hl_cli.compare.side_by_side import StepRecord, side_by_side
from hl_cli.compare.tally import Tally
from hl_cli.compare.verdict import judge, noise_floor
from hl_cli.errors import BadInput, LostRank
from hl_cli.interruption import Interruption
from hl_cli.learners.stage_report import stage_reports
from hl_cli.parallel.world import World
from hl_cli.reporting import console, plots
from hl_cli.reporting.free_run import said, write_free_run
from hl_cli.reporting.physics import draw_physics
from hl_cli.reporting.pipeline import draw_pipeline
from hl_cli.reporting.report import write_report
from hl_cli.reporting.summary import summary, write_json
from hl_cli.reporting.tables import Tables, write_weights
from hl_cli.reporting.tensorboard import TensorBoard

REPLAY_AFTER_SIGNAL = 1000  # steps: whoever sends a signal wants the files soon


class Consumer(Protocol):
    """Takes the records of a run, one after the other, and is closed in any case."""

    def consume(self, record: StepRecord) -> None:
        """Take one record."""

    def close(self) -> None:
        """Finish what is open."""


@dataclass(frozen=True)
class Outcome:
    """The summary that was written, and what the process should exit with."""

    summary: dict[str, Any]
    exit_code: int


def run(
    cfg: DictConfig,
    folder: Path,
    hydra: DictConfig | None = None,
    command: str = "hl-run",
    stop: Interruption | None = None,
    world: World | None = None,
) -> Outcome:
    """Run the config into an empty folder; raises BadInput before anything is written there.

    stop: signals that end the run early, with its files finished; world: the processes of the run.
    """
    stop, world = stop or Interruption(), world or World()
    built = comparison(cfg, world)
    if any(folder.iterdir()):
        raise BadInput(f"hydra.run.dir={folder}: holds files of another run; allowed: a new or an empty folder")
    world.enlist(cfg)
    with stop, world.leading():  # from here on there is something to finish
        return _run(cfg, built, folder, hydra, command, stop)


def _run(
    cfg: DictConfig, built: Comparison, folder: Path, hydra: DictConfig | None, command: str, stop: Interruption
) -> Outcome:
    _write_config(cfg, folder, hydra)
    about = about_run(cfg, built, command)
    console.say(console.opening(about))
    differences = Differences(built.hl.weights(), built.pytorch.weights())
    tally, measure = Tally(built.measure), built.measure
    with ExitStack() as files:
        consumers: list[Consumer] = [tally]
        consumers.append(Tables(folder, tally, built.schedule.period > 0))
        files.callback(consumers[-1].close)
        consumers.append(TensorBoard(folder, tally))
        files.callback(consumers[-1].close)
        consumers.append(console.Progress(built.schedule.steps))
        files.callback(consumers[-1].close)
        records = side_by_side(built.stream, built.hl, built.pytorch, measure, built.schedule, differences, stop)
        lost = _consume(records, consumers)
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
    stages = [] if lost else stage_reports(built.hl)
    about["pipeline"] = [asdict(stage) for stage in stages]
    seconds = {"hl": built.hl.seconds, "pytorch": built.pytorch.seconds}
    result = summary(tally, verdict, differences, seconds, about)
    tensors = differences.by_tensor()
    scheme = "" if cfg.scheme.name == "global" else f", {cfg.scheme.name} scheme"
    title = f"{cfg.model.name} on {cfg.stream.name}, {cfg.split.name} split{scheme}, {cfg.scenario.name}"
    write_weights(folder, tensors)
    write_json(folder / "summary.json", result)
    write_report(folder, title, result, tensors, tally.retention)
    plots.draw_curves(folder, title, measure, built.schedule.period)
    if built.schedule.period:
        plots.draw_tasks(folder, title, list(tally.retention.values()), console.NAMES)
    if stages:
        draw_pipeline(folder, title, stages)
    plots.draw_weight_difference(folder, title, verdict.noise_floor)
    draw_physics(folder, title)
    console.say(console.closing(result, _short(folder)))
    if generated:
        write_free_run(folder, title, generated)
        console.say(said(generated))
    if lost:
        raise LostRank(f"ended by {lost} after step {tally.steps}; what was done is in {_short(folder)}")
    return Outcome(result, 128 + received if received else (0 if verdict.meets(cfg.expect) else 3))


def _consume(records: Iterator[StepRecord], consumers: list[Consumer]) -> LostRank | None:
    """Hand each record to all consumers; return the loss of a process, which ends the run but not its files."""
    try:
        for record in records:
            for consumer in consumers:
                consumer.consume(record)
    except LostRank as lost:
        return lost
    return None


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


def _write_config(cfg: DictConfig, folder: Path, hydra: DictConfig | None) -> None:
    """Write .hydra as Hydra would; it does so itself before a bad config could be refused, so that is turned off."""
    (folder / CONFIG).mkdir()
    OmegaConf.save(cfg, folder / CONFIG / "config.yaml")
    if hydra is not None:
        OmegaConf.save(OmegaConf.create({"hydra": hydra}), folder / CONFIG / "hydra.yaml")
        OmegaConf.save(hydra.overrides.task, folder / CONFIG / "overrides.yaml")


def _short(folder: Path) -> Path:
    """The folder as a person would type it."""
    here = Path.cwd()
    return folder.relative_to(here) if folder.is_relative_to(here) else folder
