"""scripts/signal_school.py: its blocks against autograd, its routes, and a short school."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from hl_cli.dynamics.drive import Drive


@pytest.fixture
def school(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2] / "scripts"))
    import signal_school

    monkeypatch.setattr(signal_school, "PAIRS", 6)
    monkeypatch.setattr(signal_school, "LECTURE", 40)
    yield signal_school
    sys.modules.pop("signal_school", None)


def test_blocks_have_the_derivatives_of_autograd(school: Any) -> None:
    torch.manual_seed(0)
    net = school.School(frozen=False).double()
    torch.nn.init.normal_(net.readout)
    oscillators, readout = school.Oscillators(net), school.Readout(net)
    readout.row, readout.empty = 2, readout.empty.double()
    h = torch.randn(1, 12, dtype=torch.float64, requires_grad=True)
    q, p = h.chunk(2, 1)
    c, s = torch.cos(net.frequencies * school.TAU), torch.sin(net.frequencies * school.TAU)
    out = torch.cat((c * q - s * p, s * q + c * p), 1)
    y = (out @ net.readout[2])[:, None]
    wanted = torch.autograd.grad(y, [h, net.frequencies, net.readout])
    drive = Drive.of(net.frequencies, net.readout)
    with torch.no_grad():
        oscillators.start()
        (found,), tape = oscillators.record(torch.zeros(1, 6), (h.detach(),))
        (said,), heard = readout.record(found, ())
        below = readout.pull_back(heard, (torch.ones(1, 1, dtype=torch.float64),), drive).x
        past = oscillators.pull_back(tape, (below,), drive).h
        drive.finish()
    torch.testing.assert_close(said, y)
    for got, expected in zip((past[0], drive[net.frequencies], drive[net.readout]), wanted, strict=True):
        torch.testing.assert_close(got, expected)


def test_the_eighth_signal_takes_the_nearest_row_of_the_smallest_number(school: Any) -> None:
    assert [school.route(number) for number in range(8)] == [0, 1, 2, 3, 4, 5, 6, 3]


@pytest.mark.parametrize("control", [{}, {"frozen": True}, {"sgd": True}])
def test_a_short_school(school: Any, control: dict[str, bool]) -> None:
    """The same seed gives the same marks; the controls are what they are called."""
    setting = school.Setting("any", 0.03, **control)
    errors, _, _ = school.taught(setting, 1)
    assert errors == school.taught(setting, 1)[0]
    learner, net, _ = school.pupil(setting, 1)
    assert len(errors) == 8 and all(0 < e < 2 for e in errors[:7])
    assert bool(net.frequencies.requires_grad) != bool(control.get("frozen"))
    assert learner.carry != bool(control.get("sgd"))


def test_a_pupil_that_diverges_is_said_to(school: Any) -> None:
    errors, _, _ = school.taught(school.Setting("any", 1e6), 0)
    assert errors == [float("inf")] * 8
