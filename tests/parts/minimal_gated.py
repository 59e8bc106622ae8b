"""A state net: the minimal gated unit, h' = h + u (c - h), u = sig(W_u x + b_u), c = W_c x + b_c."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from omegaconf import MISSING
from torch import Tensor, nn

from hl_cli.config.fields import described
from hl_cli.config.models import StateNet
from hl_cli.config.registry import choice
from hl_cli.networks.blocks import ModuleBlock
from hl_cli.networks.state_nets import StateNetKind


@choice("model", "minimal_gated", home="minimal_gated")
@dataclass
class MinimalGatedConfig(StateNet):
    """Units that forget by a gate of the input."""

    name: str = described(MISSING, "name in files and titles", choices=("minimal_gated",))
    bias: float = described(0.0, "of the gates at first; above 0 they open")


class MinimalGated(nn.Module):
    def __init__(self, features: int, hidden: int, bias: float = 0.0) -> None:
        super().__init__()
        self.hidden_size = hidden
        self.gate, self.candidate = nn.Linear(features, hidden), nn.Linear(features, hidden)
        nn.init.constant_(self.gate.bias, bias)

    def forward(self, x: Tensor, h: Tensor | None = None) -> Tensor:
        h = x.new_zeros(len(x), self.hidden_size) if h is None else h
        return torch.lerp(h, self.candidate(x), torch.sigmoid(self.gate(x)))


minimal_gated = StateNetKind(minimal_gated=(MinimalGated, lambda cell: ModuleBlock(cell, cell.hidden_size)))
