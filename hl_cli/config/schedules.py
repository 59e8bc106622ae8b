"""The configs of learning-rate schedules, which all arms follow alike. A step is a sample, or a batch of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from omegaconf import MISSING

from hl_cli.config.fields import described


@dataclass
class Schedule:
    """How the learning rate moves; what each kind has beside its name is below."""

    name: str = described(MISSING, "name in files and titles")


@dataclass
class Constant(Schedule):
    """The learning rate of the scenario throughout."""


@dataclass
class Step(Schedule):
    """The rate is multiplied by `factor` every so many steps: torch.optim.lr_scheduler.StepLR."""

    every: int = described(1000, "steps between two drops", least=1)
    factor: float = described(0.5, "what the rate is multiplied by then", above=0)


@dataclass
class Cosine(Schedule):
    """Half a cosine from the rate down to a part of it: CosineAnnealingLR."""

    steps: int = described(
        5000, "steps until it is down; by default all of the run, then resume= takes no more", least=1
    )
    floor: float = described(0.0, "the last rate, as a part of the first", least=0, most=1)


@dataclass
class Warmup(Schedule):
    """From a part of the rate up to it in even steps, then constant: LinearLR."""

    rise: int = described(500, "steps until it is up", least=1)
    start: float = described(0.01, "the first rate, as a part of the rate", above=0, most=1)


@dataclass
class WarmupCosine(Cosine):
    """Up in even steps, then down half a cosine: LinearLR, then CosineAnnealingLR."""

    rise: int = described(500, "steps until it is up, of `steps`", least=1)
    start: float = described(0.01, "the first rate, as a part of the rate", above=0, most=1)


@dataclass
class Scheduler(Schedule):
    """Any scheduler of torch.optim.lr_scheduler that needs no other object, by its name."""

    scheduler: str = described(MISSING, "a name of torch.optim.lr_scheduler: ExponentialLR, OneCycleLR, ...")
    options: dict[str, Any] = described({}, "its arguments: +schedule.options.gamma=0.999")


SCHEDULES: tuple[type[Schedule], ...] = (Constant, Step, Cosine, Warmup, WarmupCosine, Scheduler)
