r"""Credit `eligibility`: each unit carries the derivative of its own states by its own weights, forward in time.

With s = dh/dtheta as further neuron state, ds/dt = rate (J s + dF/dtheta - s), theta acts on the output net alone: HL
with split=output on the state (h, s). A tick, with a = tau rate, D = own and B = direct of hl_cli.networks.units:

                 semi-implicit                                            explicit
    s'           ((1 - a) + a D) s + a B                                  the same
    zeta         dL/dh(h'), and what the block above pulls back           dL/dh(h)
    g            s'^T zeta                                                s^T zeta

omega, beta, eta and phi are as ever; D_a = (1 - a) + a D. Where no unit sees another, D is the whole derivative A and g
the exact gradient over the whole past (real-time recurrent learning) while the weights rest. Elsewhere D is its
diagonal by units (e-prop, SnAp-1), where a unit of ring_rnn is a pair of neurons; there s'^T zeta is taken as
(a B)^T zeta, by the block's vjp, and s^T D_a^T zeta, so that D = 0 would be truncated BPTT over one tick, bit for bit.
Sources: Mozer, A Focused Backpropagation Algorithm for Temporal Pattern Recognition, 1989; Bellec et al., A solution to
the learning dilemma for recurrent networks of spiking neurons, 2020; Menick et al., Practical Real Time Recurrent
Learning with a Sparse Approximation, 2021.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from omegaconf import MISSING
from torch import Tensor

from hl_cli.config.credits import CreditConfig
from hl_cli.config.fields import described
from hl_cli.config.registry import choice
from hl_cli.credit.base import Ground
from hl_cli.credit.online import Online
from hl_cli.dynamics.accumulator import NO_GRADIENT, GradientAccumulator
from hl_cli.dynamics.forward import Flow
from hl_cli.dynamics.hamiltonian import Costate
from hl_cli.errors import NoSuchCombination
from hl_cli.networks.blocks import Block, Tape
from hl_cli.networks.online import OnlineChain
from hl_cli.networks.units import Lanes, Local


@choice(
    "credit",
    "eligibility",
    home="Eligibility",
    past="s, with each unit's own derivative D in the place of A",
    future="0",
    cost="a tick: the net and its pull-back once, and D s + B; kept: h, and a copy of the weights for each state "
    "number of a unit",
    exact="for one layer whose units do not see one another: diagonal, complex_diagonal, rotation, elementwise_lstm, "
    "trace_units, min_gru, unicornn",
)
@dataclass
class EligibilityConfig(CreditConfig):
    """Each unit carries the derivative of its states by its weights forward."""

    name: str = described(MISSING, "name in files and titles", choices=("eligibility",))


class TracedChain(OnlineChain):
    """Blocks with states and, block by block, traces s like `direct` of
    hl_cli.networks.units; None at rest, and without memory."""

    def __init__(self, blocks: list[Block], flow: Flow, newest: bool = True) -> None:
        super().__init__(blocks, flow, newest)
        self.lanes = [block.lanes() if block.memory else None for block in blocks]
        self.traces: list[Tensor | None] = [None] * len(blocks)

    def restart(self, what: str = "sample") -> None:
        """Traces rest with the states whose derivatives they are, and with what carries credit."""
        super().restart(what)
        self.traces = [None] * len(self.blocks)

    def vjp(self, below: Tensor | None, drive: GradientAccumulator) -> None:
        """Add to the drive, and let the traces take one step; below: dL/dh of what the tick showed, None for zero."""
        unused = False
        for i in reversed(range(len(self.blocks))):
            zeta: Costate = (below, *(None,) * (len(self.after[i]) - 1))
            if below is None and unused:  # the block above did not use what this one shows
                drive.pass_over(self.blocks[i].parameters)
            self.costates[i] = zeta
            unused, below = below is not None, self._learn(i, zeta, drive)
        self._tapes = []

    def _learn(self, i: int, zeta: Costate, drive: GradientAccumulator) -> Tensor | None:
        """One block; returns what is pulled back to the block below."""
        block, lanes, s, below = self.blocks[i], self.lanes[i], self.traces[i], None
        counts = zeta[0] is not None
        local = None if lanes is None else self.advance(i, lanes, self._tapes[i])
        if not self.newest:
            if counts and lanes is not None and s is not None:
                lanes.add(lanes.by_unit(zeta), s, drive)
        elif lanes is not None and block.separable:
            new = self.traces[i]
            if counts and new is not None:
                lanes.add(lanes.by_unit(zeta), new, drive)
            if counts and i:
                below = block.vjp(self._tapes[i], self.flow.scaled(zeta), NO_GRADIENT, want_h=False).x
        else:  # what comes through this tick alone has the bits of one tick
            if counts:
                below = block.vjp(self._tapes[i], self.flow.scaled(zeta), drive, want_x=i > 0, want_h=False).x
            block.finish(drive)
            if counts and lanes is not None and local is not None and s is not None:
                lanes.add(lanes.pull(lanes.by_unit(zeta), local), s, drive)
        return below

    def advance(self, i: int, lanes: Lanes, tape: Tape) -> Local:
        """The traces of a block take their step; returns the derivative of this tick."""
        local, s = self.blocks[i].local(tape), self.traces[i]
        if self.flow.leak != 1.0:
            local = lanes.slower(local, self.flow.leak)
        self.traces[i] = local.direct.clone() if s is None else lanes.step(local, s)
        return local

    def carried(self) -> list[Tensor | None]:
        """With the traces."""
        return [*super().carried(), *self.traces]

    def carry_on(self, carried: Sequence[Any], form: tuple[tuple[int, ...], ...]) -> None:
        """With the traces."""
        super().carry_on(carried, form)
        self.traces = list(carried[-len(self.blocks) :])

    def state_dict(self) -> dict[str, Any]:
        """With the traces."""
        return {**super().state_dict(), "traces": [None if s is None else s.clone() for s in self.traces]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        super().load_state_dict(state)
        self.traces = [None if s is None else s.clone() for s in state["traces"]]


class Eligibility(Online):
    """Raises NoSuchCombination for a net whose blocks do not say the derivative of their units."""

    name = "eligibility"

    def __init__(self, ground: Ground, reset: str = "never", rise: int = 0) -> None:
        split, self.flow = ground.split, Flow(ground.coefficients.leak)
        remembering = [block for block in split.state if block.memory]
        for block in remembering:
            if type(block).local is Block.local:
                raise NoSuchCombination(
                    f"credit={self.name}: {type(block).__name__} does not say the derivative of its units (local); "
                    "allowed: rnn, ring_rnn, gru, lstm, leaky_rnn, nets whose units do not see one another, "
                    "credit=costate"
                )
        if self.flow.leak != 1.0 and any(block.passes or not block.memory for block in split.state):
            raise NoSuchCombination(
                f"credit={self.name}: scheme.rate is a memory of every block of the state net, also of layers that "
                "have no traces; allowed: scheme.rate=null, or a net of cells with split=state_output"
            )
        if not ground.rule.newest and len(split.state) > 1:
            raise NoSuchCombination(
                f"credit={self.name}: in the explicit order {len(split.state)} blocks see one another a tick late; "
                "allowed: integrator=semi_implicit_euler, or one cell with split=state_output"
            )
        super().__init__(ground, reset, rise)

    def chain(self) -> TracedChain:
        """Blocks with states and traces."""
        return TracedChain(list(self.split.state), self.flow, self.newest)
