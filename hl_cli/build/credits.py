"""From the config of a credit to its kind, as a scheme takes it."""

from __future__ import annotations

from typing import Any

from omegaconf import DictConfig, OmegaConf

from hl_cli.config.registry import choice_of
from hl_cli.credit.base import Kind
from hl_cli.credit.costate import COSTATE


def credit_of(cfg: DictConfig) -> Kind:
    """The credit of a run, or of an arm (hl_cli.build.roster.seen_by)."""
    if cfg.credit is None or cfg.credit.name == COSTATE.name:
        return COSTATE
    chosen = choice_of(OmegaConf.get_type(cfg.credit))
    assert chosen is not None
    fields: Any = OmegaConf.to_container(cfg.credit, resolve=True)
    name = fields.pop("name")
    reason = f"credit={name} reaches back over ticks in its own way: compare the curves, not the weights"
    return Kind(name, chosen.load(), tuple(chosen.facts.get("of_scheme", ())), fields, reason)
