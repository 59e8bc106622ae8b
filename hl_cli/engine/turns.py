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

from hl_cli.engine.driver import called
from hl_cli.engine.native import Native

AT_ONCE = 0.1  # seconds after which it gives back what it has: somebody may want to interrupt it
FAILED = -(2**63)


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
    """Periods that were taken. done: how many; carried: what goes on; stopped: whether the one after them was stopped
    by a number that is not finite; rows: what was watched, as it was after each, (periods, numbers), or None."""

    done: int
    carried: list[Tensor]
    stopped: bool
    rows: Tensor | None


class Turns:
    """Of steady plans; asked: how many inputs are of the sample; alike: whether all leave alike, as `take` needs it.

    said: how that lies which each period leaves first; numbers: how many each reads.
    """

    def __init__(self, plans: Sequence[Native], asked: int) -> None:
        self._plans = list(plans)
        self._turns = torch.classes.hl_run.Turns([one.plan for one in plans], asked)
        self._at, self._go = self._turns.address(), called()
        self._given = _forms(plans[0].plan.given())[asked:]
        self.said, *self._left = left = _forms(plans[0].plan.left())
        self.numbers = plans[0].plan.numbers()
        self.alike = all(_forms(one.plan.left()) == left and one.plan.numbers() == self.numbers for one in plans)
        self._carried = (ctypes.c_void_p * len(self._given))()
        self._on = (ctypes.c_void_p * len(self._given))()

    def take(
        self,
        begin: int,
        count: int,
        samples: Any,
        carried: Sequence[Tensor],
        said: Tensor,
        read: Any,
        pace: Sequence[float] = (),
        watched: Sequence[Tensor] = (),
    ) -> Taken:
        """Periods from the plan `begin` on, all or fewer, but one at least.

        samples: the places of what each is asked, one after the other; into said, read go what each leaves first, and
        its numbers, also those of a period that is stopped.
        """
        on = [form.room() for form in self._left]
        begun = carried and [_laid(one, form) for one, form in zip(carried, self._given, strict=True)]
        for k, one in enumerate(begun):
            self._carried[k], self._on[k] = one.data_ptr(), on[k].data_ptr()
        rates = (ctypes.c_double * len(pace))(*pace) if pace else None
        rows, *seen = _watched(watched, count) if watched else (None, None, None, 0, None)
        done = self._go(
            self._at, begin, count, samples, self._carried, rates, said.data_ptr(), read, *seen, self._on, AT_ONCE
        )
        if done == FAILED:
            raise RuntimeError(self._turns.fault())
        return Taken(done, on, False, rows) if done >= 0 else Taken(-1 - done, on, True, rows)

    def left(self, which: int) -> list[Tensor]:
        """What a plan has left, copied."""
        found: list[Tensor] = self._plans[which].plan.left()
        return found


def _forms(tensors: Sequence[Tensor]) -> list[Form]:
    return [Form.of(one) for one in tensors]


def _laid(one: Tensor, form: Form) -> Tensor:
    return one if one.stride() == form.stride else form.room().copy_(one)


def _watched(watched: Sequence[Tensor], count: int) -> tuple[Tensor, Any, Any, int, int]:
    """Room for rows; where what is watched lies, how many bytes each takes, how many there are, and where rows go."""
    rows = watched[0].new_empty((count, sum(one.numel() for one in watched)))
    seen = (ctypes.c_void_p * len(watched))(*(one.data_ptr() for one in watched))
    return rows, seen, (ctypes.c_int64 * len(watched))(*(one.nbytes for one in watched)), len(watched), rows.data_ptr()
