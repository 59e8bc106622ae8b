"""Blocks without memory, one after the other, as one block; none of them is the identity."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from hl_cli.dynamics.accumulator import GradientAccumulator
from hl_cli.dynamics.hamiltonian import Costate, State
from hl_cli.networks.blocks import Block, Pulled, Tape


class Chain(Block):
    """Blocks without memory, one after the other, as one block: an output net written out by hand."""

    def __init__(self, links: Sequence[Block]) -> None:
        super().__init__([p for link in links for p in link.parameters])
        self.links = list(links)
        self.conditional = any(link.conditional for link in links)

    def candidate(self, x: Tensor, h: State) -> State:
        """x goes through all links."""
        for link in self.links:
            (x,) = link.candidate(x, ())
        return (x,)

    def record(self, x: Tensor, h: State, want_x: bool = True) -> tuple[State, Tape]:
        """The tapes of all links."""
        tapes = []
        for k, link in enumerate(self.links):
            (x,), tape = link.record(x, (), want_x or k > 0)
            tapes.append(tape)
        return (x,), tapes

    def vjp(
        self, tape: Tape, z: Costate, drive: GradientAccumulator, want_x: bool = True, want_h: bool = True
    ) -> Pulled:
        """The costate comes down link by link."""
        below = z[0]
        for k in reversed(range(len(self.links))):
            if below is None:  # what this link showed was not used
                drive.pass_over(self.links[k].parameters)
                continue
            below = self.links[k].vjp(tape[k], (below,), drive, want_x or k > 0).x
        return Pulled(below, ())


class Identity(Block):
    """F(x) = x: what stands in the place of an output net where there is none."""

    def candidate(self, x: Tensor, h: State) -> State:
        """x itself."""
        return (x,)

    def record(self, x: Tensor, h: State, want_x: bool = True) -> tuple[State, Tape]:
        """x itself; no tape."""
        return (x,), None

    def vjp(
        self, tape: Tape, z: Costate, drive: GradientAccumulator, want_x: bool = True, want_h: bool = True
    ) -> Pulled:
        """z itself."""
        return Pulled(z[0], ())


IDENTITY = Identity(())
