"""Bursts cut into stretches by time: nothing that is written depends on where, also where arms draw unequally."""

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
NET = ("model=module", "split=state", "model.factory=tests.compare.test_unequal:dropping")
CASES = [(*NET, "integrator=explicit_euler"), (*NET, "integrator=explicit_euler", "log_every=7")]


class Dropping(torch.nn.Module):
    """Draws at each call, how often its weights say."""

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__()
        self.linear = torch.nn.Linear(features, outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Arms whose weights differ draw other amounts."""
        draws = 1 + int(1e4 * float(self.linear.weight.detach().abs().sum())) % 3
        seen = x.flatten(1) + 0.0 * torch.rand(draws).sum()
        found: torch.Tensor = self.linear(torch.nn.functional.dropout(seen, 0.3, self.training))
        return found


def dropping(features: int, ticks: int, outputs: int, **more: object) -> torch.nn.Module:
    """The net."""
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
