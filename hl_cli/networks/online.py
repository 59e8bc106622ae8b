r"""A chain of blocks online: states h and costates zeta are carried from tick to tick, and nothing else is kept.

A tick costs what the chain costs once, however long it has lived. Two orders, with x_1 = u (symbols and the step of
zeta in hl_cli.dynamics.forward):

                 semi-implicit: each sees the newest        explicit: all see what was before the tick
    x_i          h_{i-1}'                                   h_{i-1}
    shown        h_D'                                       h_D
    zeta_i'      of zeta_i, and of zeta_{i+1}'              of zeta_i and zeta_{i+1}
    drive        (dF_i/dtheta)^T (a zeta_i')                (dF_i/dtheta)^T (a zeta_i)

So under the explicit order a chain is a pipeline: what u does is seen one tick later by each block. With every zeta
zeroed before each tick the semi-implicit order is back-propagation through this tick alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from hl_cli.dynamics.accumulator import GradientAccumulator
from hl_cli.dynamics.forward import Flow
from hl_cli.dynamics.hamiltonian import Costate, State, neuron_step
from hl_cli.errors import BadInput
from hl_cli.networks.blocks import Block, Tape
from hl_cli.networks.costate_bound import CostateBound


class OnlineChain:
    """States and costates of a chain of blocks, block by block.

    newest: the semi-implicit order. before, after: h and h' of the last tick; costates: zeta' of it, None for zero.
    """

    def __init__(self, blocks: Sequence[Block], flow: Flow, newest: bool = True) -> None:
        self.blocks, self.flow, self.newest = blocks, flow, newest
        self.before: list[State] = []
        self.after: list[State] = []
        self.costates: list[Costate] = []
        self.bound = CostateBound()
        self._tapes: list[Tape] = []

    def plain(self) -> OnlineChain:
        """Other neurons of the same blocks, at rest, that only tick."""
        return OnlineChain(self.blocks, self.flow, self.newest)

    def restart(self, what: str = "sample") -> None:
        """Be at rest before the next tick: h = h_0 ("h"), zeta = 0 ("z"), or both ("sample")."""
        if what != "z":
            self.before, self.after = [], []
        if what != "h":
            self.costates = []

    def follow(self, other: OnlineChain) -> None:
        """Have a copy of the states of another chain, of the last row of its batch; without costates."""
        self.after = [tuple(part[-1:].clone() for part in h) for h in other.after]
        self.forget()

    def forget(self) -> None:
        """Zero every costate."""
        self.costates = [(None,) * len(h) for h in self.after]

    def begin(self, u: Tensor) -> None:
        """Be at rest for a batch like u."""
        for block in self.blocks:
            block.start()
        self._rest(u)

    def _rest(self, u: Tensor) -> None:
        """Where there are none: h_0 of every block, zeros for one without its own, for a batch like u; zeta = 0."""
        x, resting = u, not self.after
        for block in self.blocks if resting else ():
            h = block.initial_state(x)
            if not h:
                with torch.random.fork_rng(enabled=block.conditional):  # asked for its shapes alone
                    h = tuple(torch.zeros_like(f) for f in block.candidate(x, h))
            self.after.append(h)
            x = h[0]
        if not self.costates:
            self.forget()

    def tick(self, u: Tensor) -> Tensor:
        """Let the states take one step; returns what the chain shows in its order."""
        for block in self.blocks:
            block.start()
        if not self.after or not self.costates:
            self._rest(u)
        if len(u) != len(self.after[0][0]):
            raise BadInput(f"a batch of {len(u)} after {len(self.after[0][0])}: each row has neurons of its own")
        self.before, self.after, self._tapes = self.after, [], []
        x = u
        for i, block in enumerate(self.blocks):
            candidate, tape = block.record(x, self.before[i], want_x=i > 0)
            self.after.append(neuron_step(self.before[i], candidate, self.flow.leak))
            self._tapes.append(tape)
            x = (self.after if self.newest else self.before)[i][0]
        return x

    def vjp(self, below: Tensor | None, drive: GradientAccumulator) -> None:
        """Let the costates take one step and add to the drive; below: dL/dh of what the tick showed, None for zero."""
        flow, unused = self.flow, False
        for i in reversed(range(len(self.blocks))):
            block, tape, zeta = self.blocks[i], self._tapes[i], self.costates[i]
            given, below = below, None
            past: Costate = ()
            if self.newest:
                past = block.vjp_state(tape, flow.scaled(zeta)) if _any(zeta) else ()
                zeta = self.costates[i] = flow.costate(zeta, past, given)
                if _any(zeta):
                    below = block.vjp(tape, flow.scaled(zeta), drive, want_x=i > 0, want_h=False).x
                    unused = below is None
                elif unused:  # the block above did not use what this one shows
                    drive.pass_over(block.parameters)
            else:
                if _any(zeta):
                    below, past = block.vjp(tape, flow.scaled(zeta), drive, want_x=i > 0)
                self.costates[i] = flow.costate(zeta, past, given)
        for block in self.blocks:
            block.finish(drive)
        self._tapes = []

    def check(self, given: Tensor | None) -> None:
        """Raise Unbounded where a costate has outgrown all that the loss ever gave; given: dL/dh now."""
        self.bound.check([z for z in flat(self.costates) if z is not None], given)

    def reads(self, count: int) -> bool:
        """Whether `check` reads so many numbers."""
        return count == any(z is not None for z in flat(self.costates))

    def carried(self) -> list[Tensor | None]:
        """All tensors that the next tick goes on from."""
        return [*flat(self.after), *flat(self.costates), self.bound.most]

    def form(self) -> tuple[tuple[int, ...], ...]:
        """How many tensors each block has of what is carried: states, costates."""
        return tuple(map(len, self.after)), tuple(map(len, self.costates))

    def carry_on(self, carried: Sequence[Any], form: tuple[tuple[int, ...], ...]) -> None:
        """Be as after a tick that left these; what was carried before is h of that tick."""
        rest, self.before = iter(carried), self.after
        self.after, self.costates = ([tuple(islice(rest, count)) for count in counts] for counts in form)
        self.bound.most = next(rest)

    def rescale(self, factor: float) -> None:
        """Multiply every zeta."""
        self.costates = [tuple(None if z is None else z * factor for z in zeta) for zeta in self.costates]

    def state_dict(self) -> dict[str, Any]:
        """h and zeta, copied."""
        return {
            "h": [[s.clone() for s in h] for h in self.after],
            "largest": self.bound.largest,
            "zeta": [[None if z is None else z.clone() for z in zeta] for zeta in self.costates],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.after = [tuple(s.clone() for s in h) for h in state["h"]]
        self.costates = [tuple(None if z is None else z.clone() for z in zeta) for zeta in state["zeta"]]
        self.before = self.after
        self.bound.set(state["largest"], [*flat(self.after), *self.blocks[0].parameters])


def _any(zeta: Costate) -> bool:
    return any(z is not None for z in zeta)


def flat(states: Sequence[Sequence[Any]]) -> list[Any]:
    """State tensors, or costates, block by block."""
    return [part for state in states for part in state]


def nested(parts: Sequence[Tensor], like: Sequence[State]) -> list[State]:
    """Undo `flat`."""
    rest = iter(parts)
    return [tuple(next(rest) for _ in state) for state in like]
