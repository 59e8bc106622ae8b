"""A learning period as it was recorded, the program that is made of it, and the proof that both leave the same bits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from hl_cli.credit.base import Form
from hl_cli.engine.fused import fused
from hl_cli.engine.lowered import ASKED
from hl_cli.engine.program import Program
from hl_cli.engine.recorder import Call, Unrecordable
from hl_cli.engine.traced import Scratch, real
from hl_cli.engine.words import paced
from hl_cli.learners.equality import gap_between, same_bits

Flags = tuple[frozenset[int], frozenset[int]]


@dataclass
class Replay:
    """The program of a kind of period.

    shapes: of the carried tensors after it, None for none; form: of what is carried then; flags: of the drive; moves:
    whether the weights take their step in it; exchanges: whether omega and the drive then change places; proven:
    whether it has run alone; first_of_kind: whether none was recorded before it; fused: the same in kernels of its own,
    where it has any.
    """

    program: Program
    shapes: Sequence[torch.Size | None]
    form: Form
    flags: Flags
    moves: bool
    exchanges: bool
    proven: bool = False
    first_of_kind: bool = True
    fused: Program | None = None

    @property
    def running(self) -> Program:
        """What is run."""
        return self.fused or self.program

    def run(
        self, inputs: Tensor, target: Tensor | None, carried: Sequence[Tensor | None], pace: Sequence[float]
    ) -> tuple[list[Tensor], list[float]]:
        """y and what is carried on, and the numbers."""
        given = [one for one in (inputs, target, *carried) if one is not None]
        return self.running(given, pace)

    def carried(self, left: Sequence[Tensor]) -> list[Tensor | None]:
        """What is carried on, of the tensors among it."""
        rest = iter(left)
        return [None if shape is None else next(rest) for shape in self.shapes]

    def same(self, other: Replay) -> bool:
        """Whether two recordings are of the same period."""
        mine, theirs = ((one.shapes, one.form, one.flags, one.exchanges) for one in (self, other))
        return mine == theirs and self.program.same(other.program)


class Recording:
    """Of the period that a learner begins; calls: of all that it asks of PyTorch."""

    calls: list[Call]

    def __init__(
        self, learner: Any, kind: Any, inputs: Tensor, target: Tensor | None, pace: Sequence[float], moves: bool
    ) -> None:
        self.learner, self.kind, self.pace, self.moves = learner, kind, pace, moves
        self._inputs, self._target = inputs, target
        self._given = learner.credit.carried()
        self._omega, self._drive = learner.phase.omega, learner.phase.flat_drive
        self._summed = learner.phase.drive.gathering  # to what is there
        self._before = self._everything()
        paced(pace, learner.phase.theta)  # a tensor that is made within the recording is a call of its own

    def said(self, y: Tensor, loss: float) -> None:
        """The neurons are done."""
        credit = self.learner.credit
        self._y, self._loss, self._carried = y, loss, credit.carried()
        self._form, self._flags = credit.form(), self.learner.phase.drive.noted()
        self._first = len(self._form[0]) if self._target is None else 1

    def replay(self) -> Replay:
        """The program, now that all calls are there; raises Unrecordable."""
        of = self.learner
        if self.moves and of.phase.resting:
            raise Unrecordable("some weights have no gradient")
        given = [one for one in (self._inputs, self._target, *self._given) if one is not None]
        left = [self._y, *(one for one in self._carried if one is not None)]
        program = Program(self.calls, given, left, self._asked, self.pace, of.phase.theta, self.moves)
        read = program.numbers - self._first - self.moves
        if read < 0 or not of.credit.reads(read):
            raise Unrecordable(f"Python reads {program.numbers} numbers in a step")
        flags = (frozenset[int](), frozenset[int]()) if self.moves else self._flags
        shapes = [None if one is None else one.shape for one in self._carried]
        exchanges = self.moves and of.phase.omega is not self._omega
        return Replay(program, shapes, self._form, flags, self.moves, exchanges)

    def prove(self, found: Replay, again: Replay) -> None:
        """Run the program from where this recording began: all has to come out as it did; raises Unrecordable."""
        if not found.same(again):
            raise Unrecordable("its calls differ from step to step")
        after = self._everything()
        given = [one for one in (self._inputs, self._target, *self._before[-1]) if one is not None]
        self._put(self._before)
        found.program.ready(given, self.pace, self.learner.native)
        self._put(self._before)
        (y, *left), numbers = found.run(self._inputs, self._target, self._before[-1], self.pace)
        here = [*self._everything()[:-1], found.carried(left)]
        loss = numbers[0] if self._target is not None else self._loss
        found.proven = same_bits([y, loss, here], [self._y, self._loss, [*after[:-1], self._carried]])
        self._put(after)
        if not found.proven:
            raise Unrecordable("without Python it has other bits")
        found.program.forget()

    def fuse(self, found: Replay) -> float:
        """Let kernels take the place of the calls of a program that is proven; returns how far they are from them.

        Raises Unrecordable where it cannot be compiled, BadInput where they are more than round-off apart.
        """
        after, carried = self._everything(), self._before[-1]
        given = [one for one in (self._inputs, self._target, *carried) if one is not None]
        try:
            asked = 1 + (self._target is not None)
            scratch = None if self._summed else Scratch(self._drive, found.exchanges)
            kernels = fused(found.program, given, asked, self.pace, self.learner.phase.theta, scratch)
            self._put(self._before)
            kernels.ready(given, self.pace, True)
            if kernels.native is None:
                raise Unrecordable("its results are too large")
            self._put(self._before)
            left, _ = kernels(given, self.pace)
            here = [*left, *self._everything()[0]]
        finally:
            self._put(after)
        there = [self._y, *(one for one in self._carried if one is not None), *after[0]]
        if scratch and not scratch.read:
            unread = len(left) + next(k for k, one in enumerate(self._in_place()) if one is self._drive)
            del here[unread], there[unread]
        pairs = [
            (real(a), real(b)) for a, b in zip(here, there, strict=True) if b.is_floating_point() or b.is_complex()
        ]
        gap = gap_between([a for a, _ in pairs], [b for _, b in pairs], ASKED)
        found.fused = kernels
        return gap

    @property
    def _asked(self) -> int:
        """How many of the inputs and the target its calls must use: none where the net is blind to the inputs."""
        blocks = self.learner.split.state
        return 0 if blocks and blocks[0].blind else 1 + (self._target is not None)

    def _everything(self) -> list[Any]:
        """All tensors that a period moves, copied: in place, then the state of the generator, then what is carried."""
        of = self.learner
        kept = [one.clone() for one in self._in_place()]
        return [kept, torch.get_rng_state(), [None if one is None else one.clone() for one in of.credit.carried()]]

    def _put(self, everything: list[Any]) -> None:
        """What was copied back to its places; what is carried is passed on."""
        kept, draws, _ = everything
        for one, before in zip(self._in_place(), kept, strict=True):
            one.copy_(before)
        torch.set_rng_state(draws)

    def _in_place(self) -> list[Tensor]:
        return [*self.learner.phase.everything(), *self.learner.split.module.buffers()]
