"""The configs of arms: the learners of a run, each with a name. The class of a config says which learner is built.

What an arm leaves at null is that of the run, so that `hl-run split=state` changes every arm of HL.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

from omegaconf import DictConfig, open_dict

from hl_cli.config.credits import CreditConfig
from hl_cli.config.fields import described
from hl_cli.config.models import Model
from hl_cli.config.pytorch import PyTorch
from hl_cli.config.rules import KineticConfig
from hl_cli.config.schemes import Scheme
from hl_cli.errors import BadInput
from hl_cli.types import ENGINES

EXPECTATIONS = ("identical", "round_off")


@dataclass
class Arm:
    """A learner of any kind, on the samples that all arms see."""

    label: str | None = described(None, "name in tables and legends; null: the arm's name")
    model: Model | None = None
    lr: float | None = described(None, "learning rate; null: lr of the scenario", above=0)
    expect: str | None = described(
        None, "the verdict wanted of this arm, or better; null: expect of the run", choices=EXPECTATIONS
    )


@dataclass
class HamiltonianArm(Arm):
    """Hamiltonian Learning: null is the value of the run."""

    scheme: Scheme | None = None
    credit: CreditConfig | None = None
    split: str | None = described(None, "split of this arm", choices=("output", "state", "state_output"))
    integrator: str | None = described(None, "how the weights take a step: an option of integrator=")
    kinetic: KineticConfig | None = None
    tau: float | None = described(None, "Euler step, time units", above=0)
    checkpointing: str | None = described(
        None, "what a state net keeps of its ticks", choices=("recompute", "segments", "store", "reverse")
    )
    anchor_every: int | None = described(None, "checkpointing=reverse: ticks between states kept; 0: none", least=0)
    engine: str | None = described(None, "how its steps are run", choices=ENGINES)


@dataclass
class StockArm(PyTorch, Arm):
    """What a user of PyTorch writes: autograd and a stock optimizer, by default the SGD of the scenario."""


def taking_part(cfg: DictConfig) -> DictConfig:
    """A copy of the config of a run with the arms of only= alone; raises BadInput for one that is not there.

    A reference that takes no part is none.
    """
    cfg = copy.deepcopy(cfg)
    for name in cfg.only or ():
        if name not in cfg.arms:
            there = ", ".join(map(str, cfg.arms))
            raise BadInput(f"only={list(cfg.only)}: {name} is not among the arms; allowed: {there}")
    with open_dict(cfg.arms):
        for name in [name for name in cfg.arms if name not in (cfg.only or cfg.arms)]:
            del cfg.arms[name]
    if cfg.only and cfg.reference not in cfg.arms:
        cfg.reference = None
    return cfg
