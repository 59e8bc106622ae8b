"""From the config of a run to its observers. Each kind is a line in BUILDERS."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from hl_cli import config
from hl_cli.build import Comparison
from hl_cli.build.early_stop import early_stop
from hl_cli.build.roster import seen_by
from hl_cli.compare.observer import Observer
from hl_cli.compare.pairs import Pairs
from hl_cli.compare.probe import net_of
from hl_cli.compare.running_metrics import RunningMetrics
from hl_cli.compare.weight_growth import WeightGrowth
from hl_cli.errors import BadInput, NoSuchCombination
from hl_cli.networks.recurrent import Recurrent
from hl_cli.reporting.credit import Credit
from hl_cli.reporting.histograms import Histograms
from hl_cli.reporting.predictions import Predictions
from hl_cli.reporting.tables import Tables
from hl_cli.reporting.tensorboard import TensorBoard
from hl_cli.reporting.thousands import Thousands


def check_observers(cfg: DictConfig, built: Comparison, processes: int) -> None:
    """Raise BadInput for an observer that has nothing to look at in this run."""
    for name, of in (cfg.observe or {}).items():
        CHECKS[_kind(of)](str(name), cfg, of, built, processes)


def observers(
    cfg: DictConfig,
    built: Comparison,
    folder: Path,
    tally: RunningMetrics,
    pairs: Pairs,
    state: dict[str, Any] | None,
    files: ExitStack,
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
    for name, of in (cfg.observe or {}).items():
        add(str(name), BUILDERS[_kind(of)](of, built, folder, start(str(name))))
    chosen = [seen[str(name)] for name in cfg.observe or ()]
    histograms = Histograms(built.learners) if cfg.log_histograms else None
    add("tensorboard", TensorBoard(folder, tally, pairs, start("tensorboard"), histograms, chosen))
    early = early_stop(cfg.stop, built.arms.values(), built.schedule, tally)
    if early:
        add("early_stop", early)
    return seen


def _kind(of: DictConfig) -> Any:
    return OmegaConf.get_type(of)


def _credit(of: DictConfig, built: Comparison, folder: Path, start: Any) -> Observer:
    arms = [
        (arm.learner, arm.twin)
        for arm in built.arms.values()
        if arm.twin is not None and isinstance(net_of(arm.learner), Recurrent)
    ]
    return Credit(folder, arms, built.measure.loss, of.every, of.over, start)


def _check_credit(name: str, cfg: DictConfig, of: DictConfig, built: Comparison, processes: int) -> None:
    said = f"observe=[{name}]"
    if processes > 1:
        raise BadInput(f"{said}: allowed in one process")
    if of.every % cfg.log_every:
        raise BadInput(f"observe.{name}.every={of.every}: allowed: a multiple of log_every={cfg.log_every}")
    seen = [name for name, arm in built.arms.items() if arm.twin and isinstance(net_of(arm.learner), Recurrent)]
    if not seen:
        raise NoSuchCombination(f"{said}: no arm that learns has a recurrent net; allowed: model=rnn and the like")
    for arm in seen:
        own = seen_by(cfg, arm)
        if built.arms[arm].kind != "hamiltonian" or own.scheme.name != "forward":
            continue
        if own.integrator.name != "semi_implicit_euler" or own.scheme.rate is not None:
            raise NoSuchCombination(
                f"{said}: the neurons of the arm {arm} have dynamics of their own; allowed: "
                "integrator=semi_implicit_euler and scheme.rate=null"
            )


BUILDERS: dict[type[config.Observe], Callable[[DictConfig, Comparison, Path, Any], Observer]] = {
    config.ObserveCredit: _credit,
}
CHECKS: dict[type[config.Observe], Callable[[str, DictConfig, DictConfig, Comparison, int], None]] = {
    config.ObserveCredit: _check_credit,
}
