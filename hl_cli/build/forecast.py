"""From the config of task=forecast to a system, arms and budgets."""

from __future__ import annotations

from typing import cast

import torch
from omegaconf import DictConfig

from hl_cli.build.systems import system_of
from hl_cli.config import validation
from hl_cli.config.forecast import ARMS, Forecast
from hl_cli.dynamics.systems.base import System
from hl_cli.errors import BadInput
from hl_cli.forecast.arms import Arm, arms
from hl_cli.forecast.study import Data
from hl_cli.forecast.training import Plan


def forecast_of(cfg: DictConfig) -> tuple[Data, list[Arm], Plan]:
    """Check a config; raises BadInput for what it cannot mean."""
    validation.check(cfg)
    typed = cast(Forecast, cfg)
    system = system_of(cfg.system)
    chosen = arms(_names(typed, system), system.bodies)
    dt = system.dt if typed.dt is None else typed.dt
    horizon = system.horizon if typed.horizon is None else typed.horizon
    noise = system.noise if typed.noise is None else typed.noise
    _check_step(typed, system, dt, [arm.name for arm in chosen if arm.limited])
    if typed.window > typed.points:
        raise BadInput(f"window={typed.window}: allowed: at most points={typed.points}, those of a trajectory")
    if typed.near > horizon:
        raise BadInput(f"near={typed.near}: allowed: at most horizon={horizon}")
    for field, steps, held_out in (("horizon", horizon, True), ("points", typed.points - 1, False)):
        most = system.longest(held_out)
        if most is not None and steps > most:
            given, allowed = (horizon, most) if held_out else (typed.points, most + 1)
            part = "held-out" if held_out else "first"
            raise BadInput(
                f"{field}={given} (system={cfg.system.name}): longer than the truth; allowed: at most {allowed}, for "
                f"the {part} part of the rows"
            )
    data = Data(
        system, dt, noise, typed.trajectories, typed.points, typed.window, typed.stride, typed.starts, horizon,
        typed.near, typed.hidden, typed.seeds, typed.seed, getattr(torch, typed.dtype),
    )  # fmt: skip
    return data, chosen, Plan(typed.steps, typed.batch_size, typed.lr, typed.start_lr, typed.clip)


def _names(cfg: Forecast, system: System) -> list[str]:
    unfit = {name for name, fits in (("vin_so2", system.angles), ("vin_pairs", system.bodies > 1)) if not fits}
    fit = [name for name in ARMS if name not in unfit]
    chosen = list(cfg.arms or fit)
    for name in chosen:
        if name not in fit or chosen.count(name) > 1:
            allowed = f"with system={cfg.system.name} {', '.join(fit)}, each once"
            raise BadInput(f"arms={chosen}: {name}: allowed: {allowed}")
    return chosen


def _check_step(cfg: Forecast, system: System, dt: float, limited: list[str]) -> None:
    """A leapfrog of a small motion of angular frequency w is stable for h < 2 / w alone."""
    if limited and system.frequency is not None and not dt * system.frequency < 2:
        raise BadInput(
            f"dt={dt:g} (system={cfg.system.name}): beyond the linear stability limit 2 / omega = "
            f"{2 / system.frequency:.4g} of {', '.join(limited)}, omega = {system.frequency:.4g}; allowed: a smaller dt"
        )
