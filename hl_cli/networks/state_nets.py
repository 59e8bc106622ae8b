"""Models that are stacks of cells under a head: what the file of a cell says of it, in one line."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from torch import nn

from hl_cli.errors import BadInput
from hl_cli.networks.blocks import Block
from hl_cli.networks.cell import Cell
from hl_cli.networks.feedforward import head_block
from hl_cli.networks.kinds import Shape
from hl_cli.networks.recurrent import Recurrent
from hl_cli.networks.whole_state import WholeState, whole_block


class StateNetKind:
    """Cells above one another and a head. cells: by the name of the model its cell, and the block that runs it."""

    def __init__(self, **cells: tuple[type[nn.Module], Callable[[Any], Block]]) -> None:
        self.cells = cells

    def net(
        self,
        name: str,
        shape: Shape,
        *,
        hidden: int,
        layers: int = 1,
        head: Sequence[int] | None = None,
        show: str = "y",
        **own: Any,
    ) -> nn.Module:
        """Build the stack; own: arguments of each cell. Raises BadInput for a step that is not stable at first."""
        cell = self.cell(name, **own)
        if show == "yz":
            cell = shows_all(cell)
        net = Recurrent(cell, shape.features, hidden, layers, shape.outputs, shape.every, list(head or ()))
        limit = min((cell.limit() for cell in net.cells if isinstance(cell, Cell)), default=math.inf)
        if own.get("eps", 0.0) >= limit:
            raise BadInput(f"model.eps={own['eps']:g}: allowed: below {limit:.3g}, where a linear tick is stable")
        return net

    def cell(self, name: str, **own: Any) -> Callable[..., nn.Module]:
        """Called with features and neurons, layer by layer; own: its other arguments."""
        return partial(self.cells[name][0], **own)

    def blocks(self, name: str, net: nn.Module, device: str) -> list[Block]:
        """A block a cell, and the head."""
        assert isinstance(net, Recurrent)
        return [*(self.block(name, cell, device) for cell in net.cells), head_block(net.head)]  # type: ignore[arg-type]

    def block(self, name: str, cell: nn.Module, device: str) -> Block:
        """The block of one cell."""
        if isinstance(cell, WholeState):
            return whole_block(cell, self.block(name, cell.cell, device))
        return self.cells[name][1](cell)


def shows_all(cell: Callable[..., nn.Module]) -> Callable[..., nn.Module]:
    """Cells as `cell` makes them, that show their whole state."""
    return lambda features, hidden: WholeState(cell(features, hidden))  # type: ignore[arg-type]
