r"""A held-out evaluation with engine=replay and engine=compiled: ticks without Python of neurons whose weights stay.

    (u, states)  ->  (y, states'), from memory to memory, tick after tick

The first two ticks are recorded and compared. The program of the first, run from where the second began, must leave the
same bits, or kernels no more than round-off apart. What cannot be recorded, or does not lie in a row, is taken eagerly.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence

import numpy as np
from torch import Tensor

from hl_cli.credit.frozen import FrozenNeurons
from hl_cli.credit.online import Online
from hl_cli.engine.program import Program
from hl_cli.engine.recorder import Unrecordable, recorded
from hl_cli.engine.turns import Form, Turns
from hl_cli.learners.equality import same_bits
from hl_cli.networks.splits import in_a_row

SHORT = 16  # ticks that are not worth a recording

Lower = Callable[[Program, Sequence[Tensor], Sequence[Tensor]], Program]


class Listening:
    """Of a learner with this credit. lower: what is run in the place of a program, given inputs, and what it leaves
    then.
    """

    def __init__(self, credit: Online, lower: Lower) -> None:
        self._credit, self._lower = credit, lower
        self._known: dict[object, Turns | None] = {}

    def __call__(self, inputs: Tensor) -> Tensor | None:
        """As `Online.predict`, of neurons that go on from where they are; None where it cannot be said so."""
        credit, row = self._credit, in_a_row(self._credit.split.ticks, inputs.contiguous())
        neurons = credit.frozen(True)
        states = neurons.states()
        if row is None or not states or len(row) < SHORT:
            return None
        kind = tuple(map(Form.of, [row[0], *states]))
        if kind not in self._known:
            self._known[kind] = self._turns(credit.frozen(True), row)
        if (turns := self._known[kind]) is None:
            return None
        y = _all(turns, row, states).flatten(0, 1)
        each = inputs.shape[1]
        return y if credit.split.every else y[each - 1 :: each].clone()

    def _turns(self, neurons: FrozenNeurons, row: Tensor) -> Turns | None:
        """What takes the ticks; None where they cannot be taken so."""
        blocks = self._credit.split.state
        asked = not blocks[0].blind
        try:
            first, *_ = _recorded(neurons, row[0], asked)
            again, given, left = _recorded(neurons, row[1], asked)
            if first.numbers or not first.same(again):  # what follows may depend on the number
                return None
            first.ready(given, (), True)
            if first.native is None or not same_bits(first(given)[0], left):
                return None
            running = self._lower(first, given, left)
        except Unrecordable:
            return None
        turns = Turns([running.native], 1) if running.native is not None and running.native.steady else None
        return turns if turns is not None and turns.alike else None


def _recorded(neurons: FrozenNeurons, u: Tensor, asked: bool) -> tuple[Program, list[Tensor], list[Tensor]]:
    """A tick: its program, what it is given, and what it leaves."""
    given = [u, *neurons.states()]
    with recorded() as calls:
        y = neurons(u)
    left = [y, *neurons.states()]
    return Program(calls, given, left, int(asked)), given, left


def _all(turns: Turns, row: Tensor, states: Sequence[Tensor]) -> Tensor:
    """y of each tick of a row, (ticks, 1, outputs), from these states on."""
    count, done = len(row), 0
    places = row.data_ptr() + row.stride(0) * row.element_size() * np.arange(count)
    kept = [form.room().copy_(one) for form, one in zip(turns.carried, states, strict=True)]
    carried = (ctypes.c_void_p * len(kept))(*(one.data_ptr() for one in kept))
    y = turns.said.many(count)
    while done < count:
        done += turns.take(0, count - done, 0, places[done:].ctypes.data, carried, y[done:], None).done
    return y
