"""From a config to what may end a run early."""

from __future__ import annotations

from collections.abc import Iterable

from hl_cli.compare.arm import Arm
from hl_cli.compare.early_stop import EarlyStop
from hl_cli.compare.running_metrics import RunningMetrics
from hl_cli.compare.schedule import Schedule
from hl_cli.config import Run, Stop
from hl_cli.errors import NoSuchCombination

CONTROLS = ("frozen", "zero")


def check_early_stop(cfg: Run, arms: Iterable[Arm]) -> None:
    """Raise BadInput for a condition that could never be met."""
    if cfg.stop.patience is not None and not cfg.eval_every:
        raise NoSuchCombination(
            f"stop.patience={cfg.stop.patience} (eval_every=0): the only evaluation is at the end; "
            "allowed: eval_every=1 or more"
        )
    if cfg.stop.loss is not None and not _learning(arms):
        raise NoSuchCombination(f"stop.loss={cfg.stop.loss:g}: no arm of this run learns; allowed: null")


def early_stop(stop: Stop, arms: Iterable[Arm], schedule: Schedule, tally: RunningMetrics) -> EarlyStop | None:
    """What tells whether to end early; None where nothing may."""
    if stop.loss is None and stop.patience is None:
        return None
    return EarlyStop(schedule, tally, _learning(arms), stop.loss, stop.patience)


def _learning(arms: Iterable[Arm]) -> tuple[str, ...]:
    return tuple(arm.name for arm in arms if arm.kind not in CONTROLS)
