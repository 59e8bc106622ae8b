"""A recorded program as a function: what it moves where all is well, and what it leaves alone where not."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from hl_cli.engine.program import Program
from hl_cli.engine.recorder import recorded
from hl_cli.engine.traced import Scratch, Traced


def course(u: Tensor, drive: Tensor, theta: Tensor) -> Tensor:
    """A step that reads one number."""
    drive.copy_(2 * u)
    theta.add_(drive)
    y = theta * 3
    y.sum().item()
    return y


@pytest.mark.parametrize("read", [None, True, False])
@pytest.mark.parametrize("u", [1.5, math.inf])
def test_a_scratch_is_written_in_any_case_or_not_at_all(read: bool | None, u: float) -> None:
    """None: the drive is no scratch, and moves where theta does."""
    drive, theta, given = torch.full((3,), 7.0), torch.ones(3), torch.full((3,), u)
    with recorded() as calls:
        y = course(given, drive, theta)
    program = Program(calls, [given], [y], 1)
    drive.fill_(7.0), theta.fill_(1.0)
    traced = Traced(program.text, [False], 0, program.stays, None if read is None else Scratch(drive, read))
    *_, number = traced(given, *traced.memories)
    well = math.isfinite(u)
    assert torch.isfinite(number).all() == well
    assert torch.equal(theta, torch.full((3,), 1 + 2 * u if well else 1.0))
    moved = {None: well, True: True, False: False}[read]
    assert torch.equal(drive, torch.full((3,), 2 * u if moved else 7.0))
