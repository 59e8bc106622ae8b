"""What a model is for the program: how its net is made, and the blocks that run that net as HL does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import nn

from hl_cli.networks.blocks import Block


@dataclass(frozen=True)
class Shape:
    """What a net has to fit: it maps (batch, ticks, features) to (rows, outputs).

    every: whether each tick is a row of its own; image: (channels, height, width) where a sample is one;
    descriptions: (signals, numbers), where the stream describes its signals.
    """

    features: int
    ticks: int
    outputs: int
    every: bool = False
    image: tuple[int, int, int] | None = None
    descriptions: torch.Tensor | None = None


class NetKind(Protocol):
    """The home of a model: an object of this shape in the file of the net, named by its `choice`."""

    def net(self, name: str, shape: Shape, **fields: Any) -> nn.Module:
        """The net as a user of PyTorch writes it; fields: those of the config, but its name."""

    def blocks(self, name: str, net: nn.Module, device: str) -> list[Block]:
        """The blocks that share its weights, the head last."""
