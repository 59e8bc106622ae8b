"""A window of truncated BPTT as it was recorded, its program, and the proof that both leave the same bits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor

from hl_cli.engine.program import Program
from hl_cli.engine.recorder import Call, Unrecordable, check_pure, tensors_in
from hl_cli.learners.equality import same_bits


class Like(NamedTuple):
    """What of a tensor its place in a program depends on."""

    shape: torch.Size
    stride: tuple[int, ...]
    dtype: torch.dtype


def form(values: Any) -> Any:
    """The same nesting, with what each tensor is like."""
    if isinstance(values, Tensor):
        return Like(values.shape, values.stride(), values.dtype)
    return None if values is None else tuple(map(form, values))


def formed(like: Any, rest: Iterator[Tensor]) -> Any:
    """Values of this form, of the tensors that come."""
    if isinstance(like, Like):
        return next(rest)
    return None if like is None else tuple(formed(one, rest) for one in like)


@dataclass
class Window:
    """The program of a window: its samples and the states at its begin, to y of each tick, the states at its end, the
    gradients; it reads the losses, and a sum of each gradient.

    states: their form at the end; with_gradient: which weights have one; ticks: that are asked; proven: whether it has
    left the bits of an eager window.
    """

    program: Program
    states: tuple[Any, ...]
    with_gradient: list[bool]
    ticks: int
    proven: bool = False

    def same(self, other: Window) -> bool:
        """Whether two recordings are of the same window."""
        mine, theirs = ((one.states, one.with_gradient, one.ticks) for one in (self, other))
        return mine == theirs and self.program.same(other.program)


@dataclass
class RecordedWindow:
    """A window that is taken eagerly.

    inputs: of its program, of which the first `asked` are of samples; said, losses: of each tick that is asked; draws:
    the state of torch's generator at its begin.
    """

    kind: Any
    inputs: list[Tensor]
    asked: int
    calls: list[Call]
    said: list[Tensor] = field(default_factory=list)
    losses: list[Tensor] = field(default_factory=list)
    draws: Tensor = field(default_factory=torch.get_rng_state)

    def window(self, states: Sequence[Any], gradients: Sequence[Tensor | None]) -> Window:
        """What is made of its calls, now that it has come to its end; raises Unrecordable."""
        check_pure(self.calls)
        self.left = [*self.said, *tensors_in(states), *tensors_in(gradients)]
        program = Program(self.calls, self.inputs, self.left, self.asked)
        if program.numbers != len(self.losses) + len(list(tensors_in(gradients))):
            raise Unrecordable(f"Python reads {program.numbers} numbers in a window")
        return Window(program, form(states), [one is not None for one in gradients], len(self.said))

    def prove(self, found: Window, again: Window, native: bool) -> None:
        """Run the program of another recording on what this one was given; raises Unrecordable for other bits."""
        if not found.same(again):
            raise Unrecordable("its calls differ from window to window")
        after = torch.get_rng_state()
        with torch.no_grad():
            torch.set_rng_state(self.draws)
            found.program.ready(self.inputs, (), native)
            torch.set_rng_state(self.draws)
            left, numbers = found.program(self.inputs)
        drawn = torch.get_rng_state()
        torch.set_rng_state(after)
        losses = [one.item() for one in self.losses]
        found.proven = same_bits((left, numbers[: found.ticks], drawn), (self.left, losses, after))
        if not found.proven:
            raise Unrecordable("without Python it has other bits")
        found.program.forget()
