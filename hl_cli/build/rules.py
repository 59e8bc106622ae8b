"""From the config of an integrator, or of a scenario with a rule of its own, to the update rule of the weights."""

from __future__ import annotations

from typing import Any

from omegaconf import DictConfig, OmegaConf

from hl_cli.config.registry import choice_of
from hl_cli.dynamics.rules import UpdateRule
from hl_cli.dynamics.rules.kinetic import Kinetic
from hl_cli.dynamics.rules.metric import Metric
from hl_cli.errors import NoSuchCombination


def rule_of(cfg: DictConfig) -> UpdateRule:
    """The rule of a run, or of an arm (hl_cli.build.roster.seen_by)."""
    kinetic: Kinetic = Kinetic() if cfg.kinetic is None else made(cfg.kinetic)
    if choice_of(OmegaConf.get_type(cfg.scenario)) is None:
        rule: UpdateRule = made(cfg.integrator)
        rule.kinetic = kinetic
        return rule
    if kinetic.another_method:
        raise NoSuchCombination(
            f"kinetic={kinetic.name} (scenario={cfg.scenario.name}): its masses are a kinetic energy of their own; "
            "allowed: kinetic=classical"
        )
    if cfg.integrator.name != "semi_implicit_euler":
        raise NoSuchCombination(
            f"integrator={cfg.integrator.name} (scenario={cfg.scenario.name}): its step is that of the optimizer; "
            "allowed: integrator=semi_implicit_euler"
        )
    own: UpdateRule = made(cfg.scenario)
    return own


def masses_of(cfg: DictConfig) -> Metric | None:
    """The rule of a scenario that has one of its own."""
    own = choice_of(OmegaConf.get_type(cfg.scenario))
    rule = made(cfg.scenario) if own is not None else None
    return rule if isinstance(rule, Metric) else None


def made(of: DictConfig) -> Any:
    """What the `choice` of a config names, with the fields of the config but `name`."""
    choice = choice_of(OmegaConf.get_type(of))
    assert choice is not None
    fields: Any = OmegaConf.to_container(of, resolve=True)
    return choice.load()(**{key: value for key, value in fields.items() if key != "name"})
