"""An optimizer of torch in words that need no torch.optim: what a rule with masses equals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Stock:
    """An optimizer of torch, by its name in lower case, and its arguments, lr among them."""

    optimizer: str
    options: dict[str, Any]

    @property
    def lr(self) -> float:
        """Its learning rate."""
        return float(self.options["lr"])

    @property
    def weight_decay(self) -> float:
        """Its decay."""
        return float(self.options.get("weight_decay", 0.0))
