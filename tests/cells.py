"""The cells that ship, by the name of their model, each with the block that runs it."""

from __future__ import annotations

from typing import Any

from hl_cli.config.registry import choices
from hl_cli.networks.cell import CellBlock
from hl_cli.networks.pytorch_cells import pytorch_cells
from hl_cli.networks.state_nets import StateNetKind

Cells = dict[str, tuple[Any, Any]]
CELLS: Cells = pytorch_cells.cells
_KINDS = [kind for kind in (choice.load() for choice in choices("model")) if isinstance(kind, StateNetKind)]
OWN_CELLS: Cells = {
    name: pair
    for kind in _KINDS
    for name, pair in kind.cells.items()
    if issubclass(pair[1], CellBlock)  # type: ignore[arg-type]
}
INVERTIBLE = [name for name, (_, block) in OWN_CELLS.items() if block.invertible]
