r"""What every kind of credit does at a tick that counts: output net, loss, and the costate back to the state net.

y = f^y(h),   L(y, target),   zeta_y = dL/dy,   zeta_h = (df^y/dh)^T zeta_y,   g^y += (df^y/dtheta)^T zeta_y
"""

from __future__ import annotations

from torch import Tensor

from hl_cli.dynamics.accumulator import GradientAccumulator
from hl_cli.networks.blocks import Tape
from hl_cli.networks.chain import IDENTITY
from hl_cli.networks.losses import Loss, value_and_costate
from hl_cli.networks.splits import Split


class Readout:
    """Output net and loss of a split; without an output net y is h itself. loss: (y, target) to (L, dL/dy)."""

    def __init__(self, split: Split, loss: Loss) -> None:
        self.block = split.output or IDENTITY
        self.loss = value_and_costate(loss)
        self._below = bool(split.state)  # whether anybody asks for zeta_h

    def show(self, h: Tensor) -> Tensor:
        """y, nothing kept."""
        return self.block.candidate(h, ())[0]

    def record(self, h: Tensor) -> tuple[Tensor, Tape]:
        """y, and the tape of the way back."""
        (y,), tape = self.block.record(h, (), want_x=self._below)
        return y, tape

    def vjp(self, tape: Tape, zeta: Tensor | None, drive: GradientAccumulator) -> Tensor | None:
        """zeta_h, None where there is no state net or h is not used; adds g^y to the drive."""
        return self.block.vjp(tape, (zeta,), drive, want_x=self._below).x
