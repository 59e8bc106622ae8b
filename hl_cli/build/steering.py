"""From a config to what steers the steps of an arm: a learning rate that moves, gradients that are clipped."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf
from torch.optim import lr_scheduler
from torch.optim.lr_scheduler import LRScheduler

from hl_cli import config
from hl_cli.errors import BadInput, NoSuchCombination
from hl_cli.learners.clipping import Clip
from hl_cli.learners.pipeline import Pipeline
from hl_cli.learners.pytorch import PyTorchLearner
from hl_cli.learners.rates import Scheduler

NEED_MORE = ("LRScheduler", "LambdaLR", "MultiplicativeLR", "SequentialLR", "ChainedScheduler", "ReduceLROnPlateau")
KNOWN: dict[str, type[LRScheduler]] = {
    name: kind
    for name, kind in vars(lr_scheduler).items()
    if inspect.isclass(kind) and issubclass(kind, LRScheduler) and name not in NEED_MORE and not name.startswith("_")
}


def _rate(optimizer: torch.optim.Optimizer) -> float:
    return float(optimizer.param_groups[0]["lr"])


def _step(of: DictConfig, optimizer: torch.optim.Optimizer) -> LRScheduler:
    return lr_scheduler.StepLR(optimizer, of.every, of.factor)


def _cosine(of: DictConfig, optimizer: torch.optim.Optimizer) -> LRScheduler:
    return lr_scheduler.CosineAnnealingLR(optimizer, of.steps, of.floor * _rate(optimizer))


def _warmup(of: DictConfig, optimizer: torch.optim.Optimizer) -> LRScheduler:
    return lr_scheduler.LinearLR(optimizer, of.start, 1.0, of.rise)


def _warmup_cosine(of: DictConfig, optimizer: torch.optim.Optimizer) -> LRScheduler:
    if of.rise >= of.steps:
        raise BadInput(f"schedule.rise={of.rise}: allowed: fewer than schedule.steps={of.steps}")
    floor = of.floor * _rate(optimizer)
    down = lr_scheduler.CosineAnnealingLR(optimizer, of.steps - of.rise, floor)
    return lr_scheduler.SequentialLR(optimizer, [_warmup(of, optimizer), down], [of.rise])


def _named(of: DictConfig, optimizer: torch.optim.Optimizer) -> LRScheduler:
    kind = KNOWN.get(of.scheduler)
    if kind is None:
        raise BadInput(f"schedule.scheduler={of.scheduler}: allowed: {', '.join(sorted(KNOWN))}")
    given: Any = OmegaConf.to_container(of.options, resolve=True)
    if "cycle_momentum" in inspect.signature(kind).parameters and given.setdefault("cycle_momentum", False):
        raise BadInput("schedule.options.cycle_momentum=true: a schedule moves the rate alone; allowed: false")
    try:
        return kind(optimizer, **given)
    except (TypeError, ValueError, AttributeError, ZeroDivisionError) as error:
        line = " ".join(str(error).split())
        raise BadInput(f"schedule.scheduler={of.scheduler}: torch refuses {given}: {line}") from error


def _check_length(cfg: DictConfig) -> None:
    """One scheduler of torch raises after its last step."""
    total = cfg.schedule.get("options", {}).get("total_steps")
    if total is not None and total < cfg.steps:
        raise BadInput(f"schedule.options.total_steps={total}: allowed: at least steps={cfg.steps}")


BUILDERS: dict[type[config.Schedule], Callable[[DictConfig, torch.optim.Optimizer], LRScheduler]] = {
    config.Step: _step,
    config.Cosine: _cosine,
    config.Warmup: _warmup,
    config.WarmupCosine: _warmup_cosine,
    config.Scheduler: _named,
}


def scheduler_of(cfg: DictConfig) -> Scheduler | None:
    """What makes the scheduler of an optimizer; None for a rate that stays."""
    kind: Any = OmegaConf.get_type(cfg.schedule)
    if kind is config.Constant:
        return None
    return lambda optimizer: BUILDERS[kind](cfg.schedule, optimizer)


def steered(cfg: DictConfig, learner: Any, lr: float) -> Any:
    """Let an arm follow the schedule and clip as the config says; lr: of the SGD that it is, or equals.

    Raises BadInput for an arm that cannot, before its first step.
    """
    _check_length(cfg)
    scheduler, clip = scheduler_of(cfg), Clip(cfg.clip, cfg.clip_value)
    if isinstance(learner, Pipeline) and clip.norm is not None:
        raise NoSuchCombination(
            f"clip={clip.norm:g} (scheme={cfg.scheme.name}): the norm is of all blocks, and a block knows its own "
            "gradient alone; allowed: scheme=global or forward, or clip_value"
        )
    if cfg.update_every > 1:
        if isinstance(learner, Pipeline):
            raise NoSuchCombination(
                f"update_every={cfg.update_every} (scheme={cfg.scheme.name}): its weights move at every step; "
                "allowed: scheme=global or forward"
            )
        learner.update_every = cfg.update_every
    if clip != Clip():
        for one in (learner, *getattr(learner, "stages", ())):
            one.clip = clip
    if scheduler and isinstance(learner, PyTorchLearner):
        learner.follow(scheduler)
    elif scheduler:
        learner.follow(scheduler, lr)
    return learner


def said(cfg: config.Run) -> str:
    """In words, for the report; nothing where the rate stays and nothing is clipped."""
    own = OmegaConf.to_container(cfg.schedule, resolve=True)
    assert isinstance(own, dict)
    kind = own.pop("scheduler", own.pop("name"))
    options = own.pop("options", {})
    values = ", ".join(f"{key} {value}" for key, value in {**own, **options}.items())
    parts = [] if cfg.schedule.name == "constant" else [f"learning rate {kind}{f' ({values})' if values else ''}"]
    if cfg.clip is not None:
        parts.append(f"gradients clipped to a norm of {cfg.clip:g}")
    if cfg.clip_value is not None:
        parts.append(f"gradients clipped to elements of {cfg.clip_value:g}")
    return f"{'; '.join(parts)}, in every arm alike" if parts else ""
