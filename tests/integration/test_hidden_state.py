"""Nets and streams of a user's whose state is not where a checkpoint would look first."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from omegaconf import DictConfig
from torch import Tensor, nn

import hl_cli
from hl_cli.reporting import checkpoints
from hl_cli.runs.resume import Resumed
from hl_cli.runs.run import run
from tests.broken_off import Configured, apart, leave, made
from tests.covering import one_in

OFTEN = ("steps=60", "log_every=7", "eval_every=25", "checkpoint_every=10")
pytestmark = pytest.mark.usefixtures("no_pictures")


class Counting(nn.Module):
    """Each call is scaled by how many there were; a hidden state lives on."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.calls, self.hidden = 0, torch.zeros(width)

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.hidden = 0.9 * self.hidden + x.detach().mean(0)
        return (x + 0.1 * self.hidden) * (1 + 0.01 * (self.calls % 7))


class Listed(Counting):
    """What it has seen is in an object of its own class."""

    class Past:
        calls = 0

    def __init__(self, width: int) -> None:
        super().__init__(width)
        self.past = self.Past()

    def forward(self, x: Tensor) -> Tensor:
        self.past.calls += 1
        return super().forward(x)


def counting(features: int, ticks: int, outputs: int, every: bool, kind: str = "Counting") -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(features * ticks, 6), globals()[kind](6), nn.Linear(6, outputs))


class Drawn(hl_cli.Stream):
    """Draws from the generators that belong to everybody, also when it is made."""

    ticks, features, task = 1, 4, hl_cli.Task("classes", 2)

    def __init__(self, batch_size: int, seed: int, dtype: torch.dtype, device: str) -> None:
        self.batch, self.dtype = batch_size, dtype
        self.shift = random.random() + float(np.random.rand()) + float(torch.rand(()))
        self.kept = self._draw(40)

    def _draw(self, rows: int) -> hl_cli.Sample:
        noise = np.random.standard_normal((rows, 1, 4)) + 0.1 * random.gauss(0, 1) + self.shift
        x = torch.from_numpy(noise).to(self.dtype) + 0.1 * torch.randn(rows, 1, 4)
        return hl_cli.Sample(x, (x.sum((1, 2)) > 4 * self.shift).long())

    def __next__(self) -> hl_cli.Sample:
        return self._draw(self.batch)

    def held_out(self) -> hl_cli.Sample:
        return self.kept

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        pass


HERE = "tests.integration.test_hidden_state"
NET = ("model=module", f"model.factory={HERE}:counting")
STREAM = ("stream=plugin", f"stream.factory={HERE}:Drawn", "batch_size=3")
CASES = {"net": NET, "stream": STREAM, "held stream": (*STREAM, "hold=3"), "both": (*NET, *STREAM)}


@one_in(2)
@pytest.mark.parametrize("case", CASES)
def test_it_is_saved(case: str, configured: Configured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cfg: DictConfig = configured(*OFTEN, *CASES[case], "split=output")
    whole, broken, again = made(tmp_path / "whole"), made(tmp_path / "broken"), made(tmp_path / "again")
    random.seed(5)
    np.random.seed(5)
    run(cfg, whole)
    run(cfg, again)
    assert apart(whole, again) == []  # all follows from the seed
    leave(cfg, broken, 35, monkeypatch)
    assert checkpoints.saved(broken)
    random.seed(6)
    np.random.seed(6)
    run(cfg, broken, resumed=Resumed(broken))
    assert apart(whole, broken) == []


def test_what_cannot_be_saved_is_said_soon_and_a_resume_begins_again(
    configured: Configured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cfg = configured(*OFTEN, *NET, "split=output", "model.options={kind: Listed}")
    whole, broken = made(tmp_path / "whole"), made(tmp_path / "broken")
    leave(cfg, broken, 5, monkeypatch)
    said = capsys.readouterr().out
    assert "no checkpoints from step 1 on" in said and "attribute 2.past, a Past, not in its state_dict()" in said
    leave_again = made(tmp_path / "longer")
    leave(cfg, leave_again, 35, monkeypatch)
    assert checkpoints.saved(leave_again) == []
    run(cfg, whole)
    run(cfg, leave_again, resumed=Resumed(leave_again))
    assert apart(whole, leave_again) == []
