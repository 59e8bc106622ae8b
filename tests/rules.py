"""The update rules of the weights, each with the defaults of its config."""

from __future__ import annotations

from hl_cli.config.registry import choices
from hl_cli.dynamics.rules import UpdateRule

RULES: dict[str, UpdateRule] = {one.names[0]: one.load()() for one in choices("integrator")}
