"""From a scheme's config to the HL learner that runs it; a scheme is a line in SCHEMES."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from omegaconf import DictConfig, OmegaConf

from hl_cli import schema
from hl_cli.dynamics.equivalence import Coefficients
from hl_cli.dynamics.integrators import INTEGRATORS
from hl_cli.learners.hamiltonian import HamiltonianLearner
from hl_cli.networks.losses import Loss
from hl_cli.networks.splits import Split

# config -> (what builds the learner, why it is another method than SGD, or nothing where it is not)
SCHEMES: dict[type[schema.Scheme], tuple[Callable[..., Any], str]] = {}


def hl_learner(cfg: DictConfig, split: Split, loss: Loss, physics: Coefficients) -> HamiltonianLearner:
    """Build the HL arm over a split net of its own."""
    return _of(cfg)[0](cfg, split, loss, physics)


def another_method(cfg: DictConfig) -> str:
    """Why the HL arm is not meant to equal SGD; nothing where it is."""
    return _of(cfg)[1]


def _of(cfg: DictConfig) -> tuple[Callable[..., Any], str]:
    kind: Any = OmegaConf.get_type(cfg.scheme)
    return SCHEMES[kind]


def _global(cfg: DictConfig, split: Split, loss: Loss, physics: Coefficients) -> HamiltonianLearner:
    return HamiltonianLearner(split, loss, physics, INTEGRATORS[cfg.integrator.name], cfg.memory)


SCHEMES[schema.Global] = (_global, "")
