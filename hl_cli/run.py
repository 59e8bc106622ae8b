"""One run from config to files: build, compare, judge, write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

from omegaconf import DictConfig, OmegaConf

from hl_cli.about import CONFIG, about_run
from hl_cli.building import Comparison, comparison
from hl_cli.compare.differences import Differences
from hl_cli.compare.side_by_side import StepRecord, side_by_side
from hl_cli.compare.tally import Tally
from hl_cli.ending import Outcome, finish
from hl_cli.errors import BadInput, LostRank
from hl_cli.interruption import Interruption
from hl_cli.parallel.world import World
from hl_cli.reporting import console
from hl_cli.reporting.tables import Tables
from hl_cli.reporting.tensorboard import TensorBoard


class Consumer(Protocol):
    """Takes the records of a run, one after the other, and is closed in any case."""

    def consume(self, record: StepRecord) -> None:
        """Take one record."""

    def close(self) -> None:
        """Finish what is open."""


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
        consumers.append(Tables(folder, tally, differences.names, built.schedule.period > 0))
        files.callback(consumers[-1].close)
        consumers.append(TensorBoard(folder, tally))
        files.callback(consumers[-1].close)
        consumers.append(console.Progress(built.schedule.steps))
        files.callback(consumers[-1].close)
        records = side_by_side(built.stream, built.hl, built.pytorch, measure, built.schedule, differences, stop)
        lost = _consume(records, consumers)
    return finish(cfg, built, folder, about, tally, differences, stop, lost)


def _consume(records: Iterator[StepRecord], consumers: list[Consumer]) -> LostRank | None:
    """Hand each record to all consumers; return the loss of a process, which ends the run but not its files."""
    try:
        for record in records:
            for consumer in consumers:
                consumer.consume(record)
    except LostRank as lost:
        return lost
    return None


def _write_config(cfg: DictConfig, folder: Path, hydra: DictConfig | None) -> None:
    """Write .hydra as Hydra would; it does so itself before a bad config could be refused, so that is turned off."""
    (folder / CONFIG).mkdir()
    OmegaConf.save(cfg, folder / CONFIG / "config.yaml")
    if hydra is not None:
        OmegaConf.save(OmegaConf.create({"hydra": hydra}), folder / CONFIG / "hydra.yaml")
        OmegaConf.save(hydra.overrides.task, folder / CONFIG / "overrides.yaml")
