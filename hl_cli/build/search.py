"""From the config of task=minimise to a function, ranges and budgets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import torch
from omegaconf import DictConfig, OmegaConf

from hl_cli.config import registry, validation
from hl_cli.config.minimise import METHODS, Minimise
from hl_cli.errors import BadInput
from hl_cli.minimise.base import Function
from hl_cli.minimise.search import Range

RANGES = ("lr", "friction", "delta", "alpha", "forgetting")


@dataclass(frozen=True)
class Search:
    """A search as its config tells it. make: instances of the function; kind: its class."""

    cfg: Minimise
    kind: type[Function]
    options: dict[str, Any]
    ranges: dict[str, Range]
    steps: int
    trials: int

    def make(self, count: int, generator: torch.Generator, **others: Any) -> Function:
        """So many instances."""
        return cast(Callable[..., Function], self.kind)(count, generator, **{**self.options, **others})

    @property
    def title(self) -> str:
        """In words."""
        options = ", ".join(f"{name} = {value:g}" for name, value in self.options.items())
        return f"{self.cfg.function.name}{f' ({options})' if options else ''}"

    @property
    def budget(self) -> str:
        """The same for every method."""
        return (
            f"Each method: {self.trials} trials of {self.steps} gradient evaluations in each of {self.cfg.seeds} "
            f"replicates; the best then on {self.cfg.transfer} fresh instances a replicate."
        )


def search_of(cfg: DictConfig) -> Search:
    """Check a config; raises BadInput for what it cannot mean."""
    validation.check(cfg)
    typed = cast(Minimise, cfg)
    for name in typed.methods:
        if name not in METHODS or list(typed.methods).count(name) > 1:
            raise BadInput(f"methods={list(typed.methods)}: {name}: allowed: {', '.join(METHODS)}, each once")
    for name in RANGES:
        low_high = list(cfg[name])
        if len(low_high) != 2 or not low_high[0] <= low_high[1]:
            raise BadInput(f"{name}={low_high}: allowed: two numbers, the lower one first")
    ranges = {name: Range(float(cfg[name][0]), float(cfg[name][1]), name == "alpha") for name in RANGES}
    option = registry.choice_of(OmegaConf.get_type(cfg.function))
    assert option is not None
    kind = option.load()
    options = {str(key): value for key, value in cfg.function.items() if key != "name"}
    return Search(typed, kind, options, ranges, typed.steps or kind.steps, typed.trials or kind.trials)
