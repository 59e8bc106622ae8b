r"""Credit `tail`: truncated back-propagation over a window of w ticks, and eligibility for all that was before it.

At the end of the window, t0 < t <= t1 = t0 + w, with n losses in it:

    lam(t1) = l(t1) / n        lam(t) = l(t) / n + A(t+1)^T lam(t+1)
    g       = sum over t of B(t)^T lam(t)  +  s(t0)^T A(t0+1)^T lam(t0+1)

s takes one step at every tick, s' = D s + B, as in hl_cli.credit.eligibility. The weights rest within a window and move
at its end; a window without any loss moves nothing. With s = 0 it is truncated BPTT over w ticks, bit for bit. Where no
unit sees another it is eligibility with update_every=w; elsewhere the window has what crosses units, which the traces
leave out.
Sources: hl_cli.credit.eligibility; Williams and Peng, An Efficient Gradient-Based Algorithm for On-Line Training of
Recurrent Network Trajectories, 1990.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from omegaconf import MISSING
from torch import Tensor

from hl_cli.config.credits import CreditConfig
from hl_cli.config.fields import described
from hl_cli.config.registry import choice
from hl_cli.credit.base import Ground, Period
from hl_cli.credit.eligibility import Eligibility, TracedChain
from hl_cli.dynamics.accumulator import GradientAccumulator
from hl_cli.dynamics.hamiltonian import Costate
from hl_cli.errors import BadInput, NoSuchCombination
from hl_cli.networks.blocks import Tape
from hl_cli.networks.sequence import tick_back
from hl_cli.types import Sample


@choice(
    "credit",
    "tail",
    home="Tail",
    past="s at the beginning of the window, with D in the place of A",
    future="0",
    cost="a tick: that of eligibility, and the pull-back of the net; kept: the window, and what eligibility keeps",
    exact="where eligibility is; elsewhere within its window",
)
@dataclass
class TailConfig(CreditConfig):
    """A window of ticks, and eligibility before it."""

    name: str = described(MISSING, "name in files and titles", choices=("tail",))
    window: int = described(8, "ticks of the window, at whose end the weights move", least=1)


class WindowedChain(TracedChain):
    """Traced blocks with the tapes of a window; past: the traces at its beginning."""

    def restart(self, what: str = "sample") -> None:
        """No window is open at a restart."""
        super().restart(what)
        self.open()

    def open(self) -> None:
        """Begin a window here."""
        self.window: list[list[Tape]] = []
        self.past = list(self.traces)

    def keep(self) -> None:
        """The last tick joins the window; the traces take their step."""
        self.forget()
        self.window.append(self._tapes)
        for i, (lanes, tape) in enumerate(zip(self.lanes, self._tapes, strict=True)):
            if lanes is not None:
                self.advance(i, lanes, tape)

    def close(self, belows: Sequence[Tensor | None], drive: GradientAccumulator) -> None:
        """Add the credit of the window to the drive; belows: dL/dh of what each tick showed, None for zero."""
        later: list[Costate] = [()] * len(self.blocks)
        for t in reversed(range(len(self.window))):
            zetas = tick_back(self.blocks, self.window[t], belows[t], later, self.after, self.flow.leak, drive, True)
            if t == len(self.window) - 1:
                self.costates = [z or (None,) * len(h) for z, h in zip(zetas, self.after, strict=True)]
        for block in self.blocks:
            block.finish(drive)
        for lanes, s, zeta in zip(self.lanes, self.past, later, strict=True):
            if lanes is not None and s is not None and zeta:
                lanes.add(lanes.by_unit(zeta), s, drive)

    def state_dict(self) -> dict[str, Any]:
        """With the traces at the beginning of the window."""
        return {**super().state_dict(), "past": [None if s is None else s.clone() for s in self.past]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there; the window is to be run again."""
        super().load_state_dict(state)
        self.past = [None if s is None else s.clone() for s in state["past"]]


class Tail(Eligibility):
    """window: w. Refuses what eligibility refuses, and the explicit order, whose l is at the old state."""

    recordable = False  # a window is kept in tapes
    neurons: WindowedChain
    name = "tail"

    def __init__(self, ground: Ground, reset: str = "never", rise: int = 0, window: int = 8) -> None:
        if window < 1:
            raise BadInput(f"credit.window={window}: allowed: 1 or more")
        if not ground.rule.newest:
            raise NoSuchCombination("credit=tail: not in the explicit order; allowed: integrator=semi_implicit_euler")
        super().__init__(ground, reset, rise)
        self.window = window
        self._open()

    def chain(self) -> WindowedChain:
        """Blocks with states, traces and a window."""
        return WindowedChain(list(self.split.state), self.flow, self.newest)

    def _open(self) -> None:
        self._read: list[tuple[Tape, Tensor | None]] = []  # of the output net, tick by tick
        self._seen: list[tuple[Tensor, Tensor | None]] = []
        self.neurons.open()
        self._first = self.neurons.state_dict()

    def periods(self, sample: Sample) -> Iterator[Period]:
        """One a tick; the weights wait for the end of the window, which is that of the sample where one rests."""
        for y, loss, of, last in super().periods(sample):
            self.waiting = True
            if len(self._read) == self.window or (last and self.reset != "never"):
                self._close()
            yield y, loss, of, last

    def _tick(self, u: Tensor, target: Tensor | None) -> tuple[Tensor, float]:
        self._seen.append((u, target))
        return super()._tick(u, target)

    def assign(self, tape: Tape, zeta: Tensor | None) -> None:
        """Keep the tick for the end of the window."""
        self._read.append((tape, zeta))
        self.neurons.keep()

    def _close(self) -> None:
        """Send back what the window gave."""
        drive = self.weights.drive
        count = sum(zeta is not None for _, zeta in self._read)
        if count:
            belows: list[Tensor | None] = [None] * len(self._read)
            for t, (tape, zeta) in reversed([*enumerate(self._read)]):
                if zeta is not None:
                    belows[t] = self.readout.vjp(tape, zeta / count, drive)
            self.neurons.close(belows, drive)
            self.waiting = False
        self._open()

    def state_dict(self) -> dict[str, Any]:
        """Where the window began, and what it saw."""
        seen = [(u.clone(), None if target is None else target.clone()) for u, target in self._seen]
        return {**super().state_dict(), "first": self._first, "seen": seen}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there; the open window is run again for its tapes."""
        super().load_state_dict({**state, "neurons": state["first"]})
        self._open()
        with torch.no_grad():
            for u, target in state["seen"]:
                self.tick(u, target)
