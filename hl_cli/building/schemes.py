"""From a scheme's config to the HL learner that runs it; a scheme is a line in SCHEMES."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from omegaconf import DictConfig, OmegaConf

from hl_cli import schema
from hl_cli.dynamics.equivalence import Coefficients
from hl_cli.dynamics.integrators import INTEGRATORS
from hl_cli.errors import BadInput
from hl_cli.learners.base import Learner
from hl_cli.learners.forward import ForwardLearner
from hl_cli.learners.hamiltonian import HamiltonianLearner
from hl_cli.networks.losses import Loss
from hl_cli.networks.splits import Split

Reason = Callable[[DictConfig], str]

# config -> (what builds the learner, why it is another method than SGD, or nothing where it is not)
SCHEMES: dict[type[schema.Scheme], tuple[Callable[..., Learner], str | Reason]] = {}


def hl_learner(cfg: DictConfig, split: Split, loss: Loss, physics: Coefficients) -> Learner:
    """Build the HL arm over a split net of its own."""
    return _of(cfg)[0](cfg, split, loss, physics)


def another_method(cfg: DictConfig) -> str:
    """Why the HL arm is not meant to equal SGD; nothing where it is."""
    reason = _of(cfg)[1]
    return reason if isinstance(reason, str) else reason(cfg)


def _of(cfg: DictConfig) -> tuple[Callable[..., Learner], str | Reason]:
    kind: Any = OmegaConf.get_type(cfg.scheme)
    return SCHEMES[kind]


def _global(cfg: DictConfig, split: Split, loss: Loss, physics: Coefficients) -> HamiltonianLearner:
    return HamiltonianLearner(split, loss, physics, INTEGRATORS[cfg.integrator.name], cfg.memory)


def _forward(cfg: DictConfig, split: Split, loss: Loss, physics: Coefficients) -> ForwardLearner:
    s = cfg.scheme
    if s.rate is not None and not s.rate * cfg.tau <= 1.0:
        raise BadInput(f"scheme.rate={s.rate} (tau={cfg.tau:g}): allowed: up to 1/tau, {1 / cfg.tau:g}")
    physics = replace(physics, rate=s.rate)
    order = INTEGRATORS[cfg.integrator.name]
    return ForwardLearner(split, loss, physics, order, s.eta_z, s.sign, s.reset, s.carry, s.rise)


def _forward_reason(cfg: DictConfig) -> str:
    """Only with zeroed costates, and against truncated BPTT with window 1, is it meant to be SGD."""
    s = cfg.scheme
    plain = (s.rate, s.sign, s.rise, cfg.integrator.name) == (None, -1, 0, "semi_implicit_euler")
    if not s.carry and plain and cfg.pytorch.window in (1, None):
        return ""
    return "forward credit is a method of its own: compare the curves, not the weights"


SCHEMES[schema.Global] = (_global, "")
SCHEMES[schema.Forward] = (_forward, _forward_reason)
