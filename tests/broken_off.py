"""A run that dies in this process at a step, and what it is compared with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from omegaconf import DictConfig

from hl_cli.compare.burst import Burst
from hl_cli.errors import BadInput
from hl_cli.reporting.progress import Progress
from hl_cli.reporting.two_runs import compare
from hl_cli.runs.resume import Resumed
from hl_cli.runs.run import run
from tests.process import state_of

STEPS = 60
OFTEN = (f"steps={STEPS}", "log_every=7", "eval_every=25", "checkpoint_every=10")
Configured = Callable[..., DictConfig]


class Killed(BaseException):
    """As sudden as it can be in one process; files are closed, so that more has reached them than after SIGKILL."""


def die_at(step: int, monkeypatch: pytest.MonkeyPatch, run: int = 1) -> None:
    """Let a run die when its last consumer has step number `step`; -1: never; run: the how many-th from now on."""
    met = 0

    def consume(self: Progress, burst: Burst) -> None:
        nonlocal met
        there = burst.first <= step <= burst.last
        met += there
        if there and met == run:
            raise Killed

    monkeypatch.setattr(Progress, "consume_burst", consume)


def leave(cfg: DictConfig, folder: Path, step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a run die at a step."""
    die_at(step, monkeypatch)
    with pytest.raises(Killed):
        run(cfg, folder)
    die_at(-1, monkeypatch)
    (folder / ".hydra" / "overrides.yaml").write_text(yaml.safe_dump(list(OFTEN)))


def refused(cfg: DictConfig, folder: Path, resumed: Resumed | None = None) -> str:
    """Why a run does not go on, in one line; everything stays as it is."""
    before = state_of(folder)
    with pytest.raises(BadInput) as caught:
        run(cfg, folder, resumed=resumed or Resumed(folder))
    assert state_of(folder) == before
    assert "\n" not in str(caught.value)
    return str(caught.value)


def made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def apart(one: Path, other: Path) -> list[str]:
    return [f"{a.file}: {a.first}" for a in compare(one, other) if a.differing]
