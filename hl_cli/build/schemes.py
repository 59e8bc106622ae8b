"""From a scheme's config to the HL learner that runs it; a scheme is a file in hl_cli/schemes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from omegaconf import DictConfig, OmegaConf

from hl_cli.build.coefficients import coefficients, of_masses
from hl_cli.build.credits import credit_of
from hl_cli.build.rules import masses_of, rule_of
from hl_cli.build.steering import steered
from hl_cli.config.registry import choice_of
from hl_cli.dynamics.equivalence import SGD, Coefficients
from hl_cli.dynamics.stock import Stock
from hl_cli.errors import BadInput, NoSuchCombination
from hl_cli.networks.losses import Loss
from hl_cli.networks.splits import Split
from hl_cli.parallel.world import World
from hl_cli.schemes.base import Scheme, Setting

OF_RUN = ("batch_size", "dtype", "checkpointing", "anchor_every", "parallel", "engine")


def scheme_of(cfg: DictConfig) -> Scheme:
    """The scheme of a run, or of an arm (hl_cli.build.roster.seen_by)."""
    choice = choice_of(OmegaConf.get_type(cfg.scheme))
    assert choice is not None
    fields: Any = OmegaConf.to_container(cfg.scheme, resolve=True)
    scheme: Scheme = choice.load()(**{key: value for key, value in fields.items() if key != "name"})
    return scheme


def numbers_of(cfg: DictConfig, meant: bool = True) -> tuple[Coefficients, SGD | Stock, str]:
    """HL's numbers, SGD's numbers, and a sentence on how they are related (hl_cli.build.coefficients)."""
    rule = masses_of(cfg)
    if rule is not None:
        return of_masses(rule, cfg.tau, cfg.dtype)
    return coefficients(cfg.scenario, cfg.tau, cfg.dtype, meant, steady=scheme_of(cfg).online)


def hl_learner(cfg: DictConfig, split: Split, loss: Loss, physics: Coefficients, world: World) -> Any:
    """Build the HL arm over a split net of its own, steered as the config says."""
    scheme = scheme_of(cfg)
    if cfg.credit is not None and not scheme.online:
        raise NoSuchCombination(
            f"credit={cfg.credit.name} (scheme={cfg.scheme.name}): weights do not move at every tick; "
            "allowed: scheme=forward"
        )
    rule = rule_of(cfg)
    if rule.kinetic.group == "global" and not scheme.whole:
        raise NoSuchCombination(
            f"kinetic.group=global (scheme={cfg.scheme.name}): no block knows the costates of the others; "
            "allowed: kinetic.group=tensor, weight"
        )
    of_run = {name: cfg[name] for name in OF_RUN}
    of = Setting(split, loss, physics, rule, world, credit_of(cfg), **of_run)
    of = replace(of, engine=_engine(cfg, scheme, of))
    return steered(cfg, scheme.learner(of), numbers_of(cfg)[1].lr)


def _engine(cfg: DictConfig, scheme: Scheme, of: Setting) -> str:
    """What runs its steps; raises BadInput where that cannot be, and `auto` then stands for eager steps."""
    asked: str = cfg.engine
    if asked == "eager":
        return asked
    engine, why = "replay" if asked == "auto" else asked, scheme.unrecorded(of)
    refused: BadInput | None = None
    if engine not in scheme.engines:
        refused = NoSuchCombination(f"engine={engine} (scheme={cfg.scheme.name}): allowed: {', '.join(scheme.engines)}")
    elif cfg.device != "cpu":
        refused = BadInput(f"engine={engine} (device={cfg.device}): allowed: device=cpu")
    elif why:
        refused = NoSuchCombination(f"engine={engine}{why}")
    if refused is None:
        return engine
    if asked == "auto":
        return "eager"
    raise refused


def another_method(cfg: DictConfig) -> str:
    """Why the HL arm is not meant to equal SGD; nothing where it is."""
    of_scheme = scheme_of(cfg).another_method(cfg.integrator.name, cfg.pytorch.window)
    rule = rule_of(cfg)
    return credit_of(cfg).another_method or of_scheme or rule.another_method or rule.kinetic.another_method
