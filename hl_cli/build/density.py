"""From the config of task=density to points, arms and budgets; what they cannot be is said here."""

from __future__ import annotations

from typing import Any, cast

import torch
from omegaconf import DictConfig, OmegaConf

from hl_cli.config import registry, validation
from hl_cli.config.density import ARMS, Density
from hl_cli.density.arms import Arm, arms, parameters, width
from hl_cli.density.data.base import Data
from hl_cli.density.study import Setting
from hl_cli.density.training import Plan
from hl_cli.errors import BadInput

GRID = 80


def density_of(cfg: DictConfig) -> tuple[Setting, list[Arm], Plan, int]:
    """Check a config; raises BadInput for what it cannot mean. The last: points of a side of the density picture."""
    validation.check(cfg)
    typed = cast(Density, cfg)
    for name in typed.arms:
        if name not in ARMS or list(typed.arms).count(name) > 1:
            raise BadInput(f"arms={list(typed.arms)}: {name}: allowed: {', '.join(ARMS)}, each once")
    for field in ("arms", "rates", "components"):
        if not cfg[field]:
            raise BadInput(f"{field}=[]: allowed: one or more")
    data = _data(cfg)
    if typed.grid is not None and data.n != 2:
        raise BadInput(
            f"grid={typed.grid} (data={cfg.data.name}): a density picture is of points in the plane, and these have "
            f"{data.n} number{'s' * (data.n > 1)}; allowed: null, or points of 2 numbers"
        )
    chosen = arms(typed.arms, typed.flows, typed.leapfrogs, typed.couplings)
    for arm in chosen:
        if arm.name == "realnvp" and data.n < 2:
            raise BadInput(f"arms: realnvp (data={cfg.data.name}): it couples two parts of a point; allowed: 2 numbers")
        if arm.flow is not None and not width(arm.flow, data.n, typed.parameters):
            least = parameters(arm.flow, data.n, 1)
            raise BadInput(f"parameters={typed.parameters}: too few for {arm.name}; allowed: at least {least:,}")
    setting = Setting(
        data, typed.seeds, typed.seed, getattr(torch, typed.dtype), typed.parameters, list(typed.components),
        list(typed.rates), typed.tune_steps, typed.bound_samples, typed.samples,
    )  # fmt: skip
    few = len(setting.parts[0].train)
    if "gmm" in typed.arms and max(typed.components) > few:
        raise BadInput(f"components={list(typed.components)}: allowed: at most {few}, the training points")
    grid = (GRID if data.n == 2 else 0) if typed.grid is None else typed.grid
    return setting, chosen, Plan(typed.steps, typed.batch_size, typed.rates[0], typed.clip), grid


def _data(cfg: DictConfig) -> Data:
    option = registry.choice_of(OmegaConf.get_type(cfg.data))
    assert option is not None
    options: Any = OmegaConf.to_container(cfg.data)
    made: Data = option.load()(**{str(key): value for key, value in options.items() if key != "name"})
    return made
