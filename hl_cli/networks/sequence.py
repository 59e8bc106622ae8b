r"""A chain of blocks over a sequence, with credit `reversed`: neurons run forward, then their costates run back.

With theta frozen during the sequence, for t = 1..T and blocks i = 1..D (x_1 = u_t, x_i = h_{i-1}):

    h_i(t) = h_i(t-1) + tau rate (F_i(x_i, h_i(t-1)) - h_i(t-1))
    zeta_i(t) = zeta_i(t+1) pulled back through h  +  zeta_{i+1}(t) pulled back through x  +  dL/dh_i(t)
    g_i = sum over t = T..1 of (dF_i/dtheta)^T zeta_i(t)

where dL/dh_i(t) is zero but for the top block at the ticks that count: the last one, or every one. This equals
back-propagation through time, and the sums are taken in its order.

What is kept of the ticks until the costate comes by is said in hl_cli.networks.memory.

Source: arXiv 2409.12038, section 3.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from hl_cli.dynamics.accumulator import GradientAccumulator
from hl_cli.dynamics.hamiltonian import Costate, State, costate_step, neuron_step, total
from hl_cli.networks.blocks import Block, Pulled, Tape
from hl_cli.networks.memory import ANCHOR_EVERY, Memory, Reverse, Ticked, memory_of


def joined(shown: Sequence[Tensor]) -> Tensor:
    """Put (batch, width) of each tick that counts into rows, sample by sample: (batch * ticks, width)."""
    return shown[0] if len(shown) == 1 else torch.stack(list(shown), 1).flatten(0, 1)


def parted(rows: Tensor, ticks: int) -> Sequence[Tensor]:
    """Undo `joined`: the costate of each tick that counts."""
    return (rows,) if ticks == 1 else rows.unflatten(0, (-1, ticks)).unbind(1)


class SequenceRun:
    """A chain of blocks over one sequence: it ticks forward, then the costates run back over it.

    Blocks above the last one with memory tick only when the target counts: nobody reads them in between. A leak
    below 1 is a memory of every block.
    inputs: u_1..u_T; leak: tau rate; every: whether every tick counts, or the last alone. before[i], after[i]: h of
    block i as the last tick found it, and at the end. costates[i]: zeta_i(T), once vjp has run.
    """

    def __init__(
        self, blocks: Sequence[Block], inputs: Sequence[Tensor], leak: float = 1.0, every: bool = False
    ) -> None:
        self.blocks, self.every = blocks, every
        deepest = max((k for k, block in enumerate(blocks, start=1) if block.memory), default=0)
        self._remembering = deepest if leak == 1.0 else len(blocks)
        self.inputs, self.leak = inputs, leak
        self.after: list[State] = [block.initial_state(inputs[0]) for block in self.blocks]
        self.before = self.after
        self.costates: list[Costate] = [() for _ in self.blocks]
        self.memory: Memory | None = None

    @property
    def drift(self) -> float | None:
        """The largest difference between a state rebuilt and the same state kept, where states are rebuilt."""
        return self.memory.drift if isinstance(self.memory, Reverse) else None

    def run(self, memory: str | None = None, anchor_every: int = ANCHOR_EVERY) -> list[Tensor]:
        """Tick over all inputs and return what the state net shows at the ticks that count: y = h, or f^y's input.

        memory: a mode of hl_cli.networks.memory, or None to keep nothing (then there is no way back).
        """
        shown, ticks = [], len(self.inputs)
        for block in self.blocks:
            block.start()
        self.memory = None if memory is None else memory_of(memory, ticks, anchor_every)
        for t in range(ticks):
            self.before = self.after
            record = self.memory is not None and self.memory.before(t, self.before)
            self.after, tapes = self.tick(t, self.before, record)
            if self.memory is not None and record:
                self.memory.tapes.append(tapes)
            if t == ticks - 1 or self.every:
                shown.append(self.after[-1][0] if self.blocks else self.inputs[t])
        return shown

    def _active(self, t: int) -> int:
        """How many blocks tick at t."""
        return len(self.blocks) if self.every or t == len(self.inputs) - 1 else self._remembering

    def tick(self, t: int, h: list[State], record: bool) -> Ticked:
        """From h before tick t to h after it, and the tapes if asked for."""
        x, now, tapes = self.inputs[t], list(h), []
        for i in range(self._active(t)):
            block = self.blocks[i]
            if record:
                candidate, tape = block.record(x, h[i], want_x=i > 0)
                tapes.append(tape)
            else:
                candidate = block.candidate(x, h[i])
            now[i] = neuron_step(h[i], candidate, self.leak)
            x = now[i][0]
        return now, tapes

    def untick(self, t: int, h: list[State]) -> Ticked:
        """From h after tick t to h before it (of a block without memory nobody asks), and the tapes."""
        x, past, tapes = self.inputs[t], list(h), []
        for i in range(self._active(t)):
            block = self.blocks[i]
            if block.memory:
                past[i], tape = block.inverse(x, h[i])
                x = h[i][0]
            else:
                past[i], ((x, *_), tape) = (), block.record(x, (), want_x=i > 0)
            tapes.append(tape)
        return past, tapes

    def vjp(self, zetas: Sequence[Tensor | None], drive: GradientAccumulator) -> None:
        """Run the costates from T to 1 and add the g_i; zetas: dL/dh of the top block at the ticks that count."""
        leak, memory = self.leak, self.memory
        assert memory is not None
        later: list[Costate] = [() for _ in self.blocks]  # zeta(t+1) pulled back through h; () is zero
        for t in reversed(range(len(self.inputs))):
            tapes = memory.tapes_of(self, t)
            last = t == len(self.inputs) - 1
            below = zetas[t - len(self.inputs)] if self.every or last else None
            active = self.blocks[: self._active(t)]
            found = tick_back(active, tapes, below, later, self.after, leak, drive, want_h=t > 0)
            if last:
                self.costates[:] = found
        for block in self.blocks:
            block.finish(drive)


def tick_back(
    blocks: Sequence[Block],
    tapes: Sequence[Tape],
    below: Tensor | None,
    later: list[Costate],
    like: Sequence[State],
    leak: float,
    drive: GradientAccumulator,
    want_h: bool,
) -> list[Costate]:
    """Pull one tick of a chain back; below: dL/dh of what it shows. Returns zeta of each block, () for an exact zero.

    later: zeta(t+1) pulled back through h, block by block, () for zero; it becomes zeta(t) pulled back so.
    """
    zetas: list[Costate] = [()] * len(blocks)
    for i in reversed(range(len(blocks))):
        if below is None and not later[i]:
            drive.pass_over(blocks[i].parameters)  # an exact zero
            continue
        z = zetas[i] = (total(later[i][0], below), *later[i][1:]) if later[i] else _only_first(below, like[i])
        scaled = z if leak == 1.0 else tuple(None if part is None else part * leak for part in z)
        pulled = blocks[i].vjp(tapes[i], scaled, drive, want_x=i > 0, want_h=want_h)
        below = pulled.x
        later[i] = costate_step(z, pulled.h or (None,) * len(z), leak) if want_h else ()
        if all(part is None for part in later[i]):
            later[i] = ()
    return zetas


def _only_first(costate: Tensor | None, h: State) -> Costate:
    """Place a costate at what the block shows, zero at the rest of its state."""
    return (costate, *(None,) * (len(h) - 1))


class Unrolled(Block):
    """A recurrent net as one block without memory: its sequence runs inside, h starts at rest for every sample."""

    def __init__(self, blocks: Sequence[Block], every: bool = False) -> None:
        super().__init__([p for block in blocks for p in block.parameters])
        self.blocks, self.every = blocks, every
        self.conditional = any(block.conditional for block in blocks)

    def candidate(self, x: Tensor, h: State) -> State:
        """x (batch, ticks, features) to (rows, outputs)."""
        return (joined(SequenceRun(self.blocks, x.unbind(1), every=self.every).run()),)

    def record(self, x: Tensor, h: State, want_x: bool = True) -> tuple[State, Tape]:
        """The tape is the whole run."""
        run = SequenceRun(self.blocks, x.unbind(1), every=self.every)
        shown = run.run("store")
        return (joined(shown),), (run, len(shown))

    def vjp(
        self, tape: Tape, z: Costate, drive: GradientAccumulator, want_x: bool = True, want_h: bool = True
    ) -> Pulled:
        """Back-propagation through time; this block stands at the inputs, so x has no costate."""
        assert z[0] is not None
        run, counted = tape
        run.vjp(parted(z[0], counted), drive)
        return Pulled(None, ())
