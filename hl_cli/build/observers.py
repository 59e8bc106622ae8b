"""From the config of a run to its observers: those that every run has, and those that a user chose."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from hl_cli.build import Comparison
from hl_cli.build.early_stop import early_stop
from hl_cli.compare.guarded import Guarded
from hl_cli.compare.observer import Observer, RunView
from hl_cli.compare.pairs import Pairs
from hl_cli.compare.running_metrics import RunningMetrics
from hl_cli.compare.weight_growth import WeightGrowth
from hl_cli.config.messages import format_error
from hl_cli.config.registry import choice_of
from hl_cli.errors import BadInput
from hl_cli.reporting.histograms import Histograms
from hl_cli.reporting.predictions import Predictions
from hl_cli.reporting.tables import Tables
from hl_cli.reporting.tensorboard import TensorBoard
from hl_cli.reporting.thousands import Thousands

OF_EVERY_RUN = ("predictions", "tally", "runaway", "tables", "thousands", "tensorboard", "early_stop")
BEGUN_LATER = ("tensorboard",)  # a run that goes on may have those that it had not
OF_A_CHECKPOINT = (
    "config", "environment", "made_with", "resumed", "processes", "rest", "stream", "learners", "followers", "buffers",
    "drift", "seconds", "attributes", "chance", "differences",
)  # fmt: skip
OF_A_FILE = (
    "curves", "running", "evaluation", "physics", "tasks", "weights", "weight_difference", "tensor_difference",
    "free_run",
)  # fmt: skip


def check_observers(cfg: DictConfig, built: Comparison, processes: int) -> None:
    """Raise BadInput for an observer that has nothing to look at in this run."""
    for name, kind, fields in _chosen(cfg):
        if name in (*OF_EVERY_RUN, *OF_A_CHECKPOINT, *OF_A_FILE):
            raise BadInput(f"observe.{name}: every run has something of this name; allowed: another name")
        kind.check(_view(name, built, Path(), processes, None), **fields)


def observers(
    cfg: DictConfig,
    built: Comparison,
    folder: Path,
    tally: RunningMetrics,
    pairs: Pairs,
    state: dict[str, Any] | None,
    files: ExitStack,
    processes: int = 1,
) -> dict[str, Observer]:
    """All that see the steps of a run, by their names in a checkpoint and in their order; state: to go on from.

    `files` closes them, also those that were opened before one that could not be.
    """
    seen: dict[str, Observer] = {}

    def add(name: str, observer: Observer) -> None:
        files.callback(observer.close)
        seen[name] = observer

    def start(name: str) -> Any:
        return state and state[name]

    if cfg.predictions:
        add("predictions", Predictions(folder, tally.names, built.stream, cfg.batch_size, start("predictions")))
    add("tally", tally)
    add("runaway", WeightGrowth(built.learners))
    physics = [name for name, arm in built.arms.items() if arm.coefficients]
    add("tables", Tables(folder, tally, pairs, physics, built.schedule.period > 0, start("tables")))
    add("thousands", Thousands(folder, built.measure, tally.names, start("thousands")))
    chosen: list[Observer] = []
    for name, kind, fields in _chosen(cfg):
        view = _view(name, built, folder, processes, start(name))
        add(name, Guarded(name, partial(kind, view, **fields), format_error, view.start))
        chosen.append(seen[name])
    histograms = Histograms(built.learners) if cfg.log_histograms else None
    if cfg.report != "none":
        begun = state and state.get("tensorboard")
        add("tensorboard", TensorBoard(folder, tally, pairs, begun, histograms, chosen))
    early = early_stop(cfg.stop, built.arms.values(), built.schedule, tally)
    if early:
        add("early_stop", early)
    return seen


def _chosen(cfg: DictConfig) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """The observers that a user chose: their name in this run, what makes them, the fields of their configs."""
    for name, of in (cfg.observe or {}).items():
        choice = choice_of(OmegaConf.get_type(of))
        assert choice is not None
        yield str(name), choice.load(), {str(key): value for key, value in of.items()}


def _view(name: str, built: Comparison, folder: Path, processes: int, start: Any) -> RunView:
    return RunView(name, folder, built.arms, built.stream, built.measure, built.schedule, processes, start)
