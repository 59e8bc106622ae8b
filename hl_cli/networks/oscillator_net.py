"""Oscillators as a model: one layer of them, and one head, or a row of the readout for each description."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from omegaconf import MISSING
from torch import nn

from hl_cli.config import models
from hl_cli.config.fields import described
from hl_cli.config.registry import choice
from hl_cli.errors import BadInput
from hl_cli.networks.blocks import Block
from hl_cli.networks.feedforward import head_block
from hl_cli.networks.kinds import Shape
from hl_cli.networks.oscillators import OscillatorBlock, Oscillators, Rows, RowsBlock
from hl_cli.networks.recurrent import Recurrent


@choice("model", "oscillators", home="oscillators")
@dataclass
class OscillatorsConfig(models.Recurrent):
    """Pairs that turn by learnt frequencies, from a state computed of the first input; the others are not seen."""

    name: str = described(MISSING, "name in files and titles", choices=("oscillators",))
    hidden: int = described(32, "pairs", least=1, most=10**6)
    step: float = described(0.1, "seconds a tick; frequencies are drawn from U(0, 1) rad/s", above=0)
    frozen: bool = described(False, "frequencies stay as they were drawn")
    readout: str = described(
        "one", "one head for all, or a row for each description of the stream", choices=("one", "each")
    )
    head: list[int] | None = described(
        None,
        "readout=one: neurons of each hidden layer (tanh) of the output net; null: it is linear",
        least=1,
        most=10**6,
    )


class OscillatorNet:
    """oscillators (hl_cli.networks.kinds.NetKind), with one head, or with a row a description."""

    def net(
        self,
        name: str,
        shape: Shape,
        *,
        hidden: int,
        step: float,
        frozen: bool,
        readout: str,
        head: Sequence[int] | None,
    ) -> nn.Module:
        """One layer of them; raises BadInput where rows are asked for and signals are not described."""
        each, told = readout == "each", shape.descriptions
        if each and (told is None or shape.outputs != 1 or head):
            raise BadInput(
                f"model.readout=each (model.head={head and list(head)}): allowed: a stream of one value whose signals "
                "are described, as signal_school, and model.head=null"
            )
        cell = partial(Oscillators, step=step, frozen=frozen, descriptions=told if each else None)
        net = Recurrent(cell, shape.features, hidden, 1, shape.outputs, shape.every, list(head or ()))
        if each and told is not None:
            net.head = Rows(2 * hidden + len(told), len(told))
        return net

    def blocks(self, name: str, net: nn.Module, device: str) -> list[Block]:
        """The oscillators, and the head."""
        assert isinstance(net, Recurrent)
        head: Any = net.head
        return [
            *(OscillatorBlock(cell) for cell in net.cells),  # type: ignore[arg-type]
            RowsBlock(head) if isinstance(head, Rows) else head_block(head),
        ]


oscillators = OscillatorNet()
