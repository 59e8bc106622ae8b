"""PyTorch's cells as models: rnn, gru and lstm."""

from __future__ import annotations

from dataclasses import dataclass

from omegaconf import MISSING
from torch import nn

from hl_cli.config.fields import described
from hl_cli.config.models import StateNet
from hl_cli.config.registry import choice
from hl_cli.networks.blocks import Block, ModuleBlock
from hl_cli.networks.lstm import LSTMCell
from hl_cli.networks.recurrent import GRUCell, TanhCell
from hl_cli.networks.state_nets import StateNetKind


@choice("model", "rnn", "gru", "lstm", home="pytorch_cells")
@dataclass
class RecurrentConfig(StateNet):
    """PyTorch's cells."""

    name: str = described(MISSING, "kind of the cells", choices=("rnn", "gru", "lstm"))


class PyTorchCells(StateNetKind):
    """Off the CPU, PyTorch fuses GRU and LSTM cells, so that autograd pulls those back."""

    def block(self, name: str, cell: nn.Module, device: str) -> Block:
        """The block of one cell."""
        if device == "cpu" or name == "rnn":
            return super().block(name, cell, device)
        hidden: int = cell.hidden_size  # type: ignore[assignment]
        return ModuleBlock(cell, (hidden, hidden) if name == "lstm" else hidden)


pytorch_cells = PyTorchCells(rnn=(nn.RNNCell, TanhCell), gru=(nn.GRUCell, GRUCell), lstm=(nn.LSTMCell, LSTMCell))
