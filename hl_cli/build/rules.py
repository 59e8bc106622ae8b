"""From the config of an integrator, or of a scenario with a rule of its own, to the update rule of the weights."""

from __future__ import annotations

from typing import Any

from omegaconf import DictConfig, OmegaConf

from hl_cli.config.registry import choice_of
from hl_cli.dynamics.rules import UpdateRule


def rule_of(cfg: DictConfig) -> UpdateRule:
    """The rule of a run, or of an arm (hl_cli.build.roster.seen_by)."""
    return made(cfg.integrator)


def made(of: DictConfig) -> UpdateRule:
    """What the `choice` of a config names, with the fields of the config but `name`."""
    choice = choice_of(OmegaConf.get_type(of))
    assert choice is not None
    fields: Any = OmegaConf.to_container(of, resolve=True)
    rule: UpdateRule = choice.load()(**{key: value for key, value in fields.items() if key != "name"})
    return rule
