"""Periods that the driver takes one after the other, plans taking turns: Python gives and gets places in memory.

A call costs a few microseconds, of one period as of a thousand.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

import torch
from torch import Tensor

from hl_cli.dynamics.guards import EVERY, WeightBound
from hl_cli.engine.driver import called
from hl_cli.engine.native import Native

AT_ONCE = 0.1  # seconds after which it gives back what it has: somebody may want to interrupt it
FAILED = -(2**63)
NOTHING = (None, None, None, 0, None)  # is watched


class Form(NamedTuple):
    """How a tensor lies."""

    shape: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: torch.dtype

    @classmethod
    def of(cls, one: Tensor) -> Form:
        """Of a tensor."""
        return cls(tuple(one.shape), one.stride(), one.dtype)

    def room(self) -> Tensor:
        """A tensor that lies so, of any numbers."""
        return torch.empty_strided(self.shape, self.stride, dtype=self.dtype)

    def many(self, count: int) -> Tensor:
        """So many of them, one after the other."""
        return torch.empty_strided((count, *self.shape), (prod(self.shape), *self.stride), dtype=self.dtype)


class Taken(NamedTuple):
    """Periods that were taken. done: how many; stopped: whether the one after them was stopped by a number that is not
    finite; rows: what was watched, as it was after each, (periods, numbers), or None."""

    done: int
    stopped: bool
    rows: Tensor | None


class Turns:
    """Of steady plans; asked: how many inputs are of the sample; bound: looks at the weights at some ticks.

    alike: whether all go on from what they leave, and leave alike, as `take` needs it; said: how that lies which each
    period leaves first; carried: how that lies which goes on; numbers: how many each reads.
    """

    def __init__(self, plans: Sequence[Native], asked: int, bound: WeightBound | None = None) -> None:
        self._plans = list(plans)
        looked = (bound.theta, bound.reach, EVERY) if bound else (torch.empty(0), 0.0, 0)
        self._turns = torch.classes.hl_run.Turns([one.plan for one in plans], asked, *looked)
        self._at, self._go = self._turns.address(), called()
        self.said, *self.carried = left = _forms(plans[0].plan.left())
        self.numbers = plans[0].plan.numbers()
        self.alike = all(
            _forms(one.plan.left()) == left
            and one.plan.numbers() == self.numbers
            and list(map(_order, _forms(one.plan.given())[asked:])) == list(map(_order, self.carried))
            for one in plans
        )

    def take(
        self,
        begin: int,
        count: int,
        tick: int,
        samples: Any,
        carried: Any,
        said: Tensor,
        read: Any,
        pace: Sequence[float] = (),
        watched: Sequence[Tensor] = (),
    ) -> Taken:
        """Periods from the plan `begin` on, all or fewer: those before the weights are found too far.

        tick: of the first; samples: the places of what each is asked, one after the other; carried: those of what goes
        on, where it is then that of the last; into said, read go what each leaves first, and its numbers, also those of
        a period that is stopped.
        """
        rates = (ctypes.c_double * len(pace))(*pace) if pace else None
        rows, *seen = _watched(watched, count) if watched else NOTHING
        done = self._go(self._at, begin, count, tick, samples, carried, rates, said.data_ptr(), read, *seen, AT_ONCE)
        if done == FAILED:
            raise RuntimeError(self._turns.fault())
        return Taken(done, False, rows) if done >= 0 else Taken(-1 - done, True, rows)

    def left(self, which: int) -> list[Tensor]:
        """What a plan has left, copied."""
        found: list[Tensor] = self._plans[which].plan.left()
        return found


def _forms(tensors: Sequence[Tensor]) -> list[Form]:
    return [Form.of(one) for one in tensors]


def _order(form: Form) -> Any:
    """In what order its numbers lie."""
    return form.shape, form.dtype, [step for step, n in zip(form.stride, form.shape, strict=True) if n > 1]


def _watched(watched: Sequence[Tensor], count: int) -> tuple[Tensor, Any, Any, int, int]:
    """Room for rows; where what is watched lies, how many bytes each takes, how many there are, and where rows go."""
    rows = watched[0].new_empty((count, sum(one.numel() for one in watched)))
    seen = (ctypes.c_void_p * len(watched))(*(one.data_ptr() for one in watched))
    return rows, seen, (ctypes.c_int64 * len(watched))(*(one.nbytes for one in watched)), len(watched), rows.data_ptr()
