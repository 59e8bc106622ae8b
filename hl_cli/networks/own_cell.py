"""A user's own recurrent cell, called as cell(x, h): how wide its state is, and the state at rest."""

from __future__ import annotations

import inspect
from typing import Any

from torch import Tensor, nn

from hl_cli.errors import BadInput


def is_cell(module: nn.Module) -> bool:
    """Whether it is called as cell(x, h): it asks for two arguments, or it is one of PyTorch's cells."""
    if isinstance(module, nn.RNNCellBase):
        return True
    asked = [
        p
        for p in inspect.signature(module.forward).parameters.values()
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and p.default is p.empty
    ]
    return len(asked) == 2


class OwnCell(nn.Module):
    """cell(x, h) with h = 0 at rest; x: (batch, features).

    The cell says in `hidden_size` how wide h (batch, hidden_size) is; where that is a tuple, h is one, too, with a
    tensor for each. The first tensor is what the head sees. widths: as torch's LSTMCell has two of one width.
    """

    def __init__(self, cell: nn.Module, where: str) -> None:
        super().__init__()
        said: Any = getattr(cell, "hidden_size", None)
        self.cell, self.single = cell, isinstance(said, int) and not isinstance(cell, nn.LSTMCell)
        widths = (said, said) if isinstance(cell, nn.LSTMCell) else (said,) if isinstance(said, int) else said
        if not isinstance(widths, tuple) or not widths or not all(isinstance(n, int) and n > 0 for n in widths):
            raise BadInput(
                f"{where}: a net called as cell(x, h) whose hidden_size is {said}; allowed: an attribute hidden_size, "
                "the width of h, or a tuple of widths where h is a tuple of tensors"
            )
        self.widths = widths

    @property
    def width(self) -> int | tuple[int, ...]:
        """As hl_cli.networks.blocks.ModuleBlock takes it."""
        return self.widths[0] if self.single else self.widths

    def forward(self, x: Tensor, h: Any = None) -> Any:
        """The next state, from rest where h is None."""
        if h is None:
            rest = tuple(x.new_zeros(x.shape[0], width) for width in self.widths)
            h = rest[0] if self.single else rest
        return self.cell(x, h)

    def check(self, x: Tensor, where: str) -> None:
        """Raise BadInput unless the state that comes out is as the one that goes in."""
        out = self(x)
        shapes = [tuple(part.shape) for part in (out if isinstance(out, tuple | list) else (out,))]
        wanted = [(len(x), width) for width in self.widths]
        if isinstance(out, tuple | list) == self.single or shapes != wanted:
            kind = "a tensor" if self.single else "a tuple of tensors"
            raise BadInput(f"{where}: the cell makes {shapes} of a state of {wanted}; allowed: {kind} of those shapes")
