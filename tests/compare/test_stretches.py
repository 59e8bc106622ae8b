"""Bursts cut into stretches by time: nothing that is written depends on where, also where nets draw."""

from __future__ import annotations

import random
import signal
from pathlib import Path

import pytest
import torch

from hl_cli.compare import pace
from hl_cli.runs.resume import Resumed
from hl_cli.runs.run import run
from hl_cli.runs.signals import Interruption
from tests.broken_off import Configured, apart, made

pytestmark = pytest.mark.usefixtures("no_pictures")
STEPS = ("steps=90", "log_every=40", "eval_every=25", "checkpoint_every=30")
NET = ("model=module", "split=state", "model.factory=tests.compare.test_stretches:dropping")
CASES = [("integrator=explicit_euler",), ("engine=replay",), NET]


class Dropping(torch.nn.Module):
    """Draws as often as it is called in training."""

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(features, outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.linear(torch.nn.functional.dropout(x.flatten(1), 0.3, self.training))


def dropping(features: int, ticks: int, outputs: int, **more: object) -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.Flatten(), Dropping(features * ticks, outputs))


class After(Interruption):
    """A signal that comes when it is asked for the n-th time."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times = times

    def __call__(self) -> bool:
        self.times -= 1
        if self.times == 0:
            self.received = signal.SIGTERM
        return self.received is not None


def clock(monkeypatch: pytest.MonkeyPatch, seed: int | None) -> None:
    """Let steps take any time; None: none."""
    draw, now = random.Random(seed), [0.0]

    def read() -> float:
        now[0] += 0.0 if seed is None else draw.choice((0.0, 0.02, 0.3))
        return now[0]

    monkeypatch.setattr(pace, "perf_counter", read)


@pytest.mark.parametrize("case", CASES, ids=" ".join)
def test_other_stretches_and_an_end_within_a_burst_leave_the_same_bytes(
    case: tuple[str, ...], configured: Configured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cfg = configured(*STEPS, *case)
    whole, broken = made(tmp_path / "whole"), made(tmp_path / "broken")
    clock(monkeypatch, None)
    run(cfg, whole)
    clock(monkeypatch, 7)
    run(cfg, made(tmp_path / "cut"))
    assert apart(whole, tmp_path / "cut") == []
    resumed = None
    for times in (5, 4, 7):
        assert run(cfg, broken, stop=After(times), resumed=resumed).exit_code == 143
        resumed = Resumed(broken)
    run(cfg, broken, resumed=resumed)
    assert apart(whole, broken) == []


def test_stretches_grow_slowly_and_shrink_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    now, of, sizes = [0.0], pace.Pace(), []
    monkeypatch.setattr(pace, "perf_counter", lambda: now[0])
    for each in (0.0, 0.001, 0.001, 0.05, 0.5, 0.0):
        sizes.append(of.steps)
        with of.timed(of.steps):
            now[0] += each * of.steps
    assert [*sizes, of.steps] == [1, 2, 4, 8, 2, 1, 2]
