"""From the config of a physical system to the system."""

from __future__ import annotations

from typing import Any

from omegaconf import DictConfig, OmegaConf

from hl_cli.config import registry
from hl_cli.dynamics.systems.base import System


def system_of(cfg: DictConfig) -> System:
    """Build it; raises BadInput for what it cannot mean."""
    option = registry.choice_of(OmegaConf.get_type(cfg))
    assert option is not None
    options: Any = OmegaConf.to_container(cfg)
    made: System = option.load()(**{str(key): value for key, value in options.items() if key != "name"})
    return made
