"""A run that dies in this process at a step, and what it is compared with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from omegaconf import DictConfig

from hl_cli.compare.side_by_side import StepRecord
from hl_cli.reporting.progress import Progress
from hl_cli.reporting.two_runs import compare

STEPS = 60
OFTEN = (f"steps={STEPS}", "log_every=7", "eval_every=25", "checkpoint_every=10")
Configured = Callable[..., DictConfig]


class Killed(BaseException):
    """As sudden as it can be in one process; files are closed, so that more has reached them than after SIGKILL."""


def die_at(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the run die when its last consumer has step number `step`; -1: never."""

    def consume(self: Progress, record: StepRecord) -> None:
        if record.step == step:
            raise Killed

    monkeypatch.setattr(Progress, "consume", consume)


def made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def apart(one: Path, other: Path) -> list[str]:
    return [f"{a.file}: {a.first}" for a in compare(one, other) if a.differing]
