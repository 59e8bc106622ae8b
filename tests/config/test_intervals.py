"""How often a run is measured and evaluated where its config does not say."""

from __future__ import annotations

from pathlib import Path

import pytest
from omegaconf import OmegaConf

from hl_cli.build import comparison
from hl_cli.config import intervals
from hl_cli.runs.resume import Resumed
from hl_cli.runs.run import run
from hl_cli.sweeps.identity import config_hash, content, difference
from tests.broken_off import Configured, apart, made
from tests.material import needs


@pytest.mark.parametrize(
    ("steps", "log_every", "eval_every"),
    [
        (1, 50, 500),
        (50_000, 50, 500),
        (50_001, 100, 1000),
        (200_000, 200, 2000),
        (10**6, 1000, 10_000),
        (3 * 10**6, 5000, 50_000),
        (10**7, 10_000, 100_000),
        (10**12, 10_000, 100_000),  # until it is stopped
    ],
)
def test_a_long_run_is_looked_at_about_as_often_as_a_short_one(
    configured: Configured, steps: int, log_every: int, eval_every: int
) -> None:
    assert intervals.intervals(configured(), steps) == {"log_every": log_every, "eval_every": eval_every}
    assert intervals.intervals(configured("log_every=7", "eval_every=0"), steps) == {}


@pytest.mark.parametrize(("every", "log_every"), [(1000, 1000), (5000, 5000), (300, 100), (7, 50)])
def test_an_observer_has_its_looks_at_measured_steps(configured: Configured, every: int, log_every: int) -> None:
    cfg = configured("observe=credit", f"observe.credit.every={every}")
    assert intervals.intervals(cfg, 5 * 10**6)["log_every"] == log_every


def test_the_config_of_a_run_has_the_numbers_of_the_steps_that_it_takes(configured: Configured) -> None:
    cfg = configured("stream=series", *needs("series"), "model=linear", "split=output", "steps=1000000")
    schedule = comparison(cfg).schedule  # the stream ends long before
    assert (cfg.log_every, cfg.eval_every) == (50, 500) == (schedule.log_every, schedule.eval_every)
    cfg = configured("steps=1000000", "eval_every=0")
    schedule = comparison(cfg).schedule
    assert (cfg.log_every, cfg.eval_every) == (1000, 0) == (schedule.log_every, schedule.eval_every)


def test_a_job_of_a_sweep_is_the_one_that_says_the_numbers(configured: Configured) -> None:
    for steps, numbers in (("steps=50000", (50, 500)), ("steps=1000000", (1000, 10_000))):
        said = (steps, f"log_every={numbers[0]}", f"eval_every={numbers[1]}")
        assert config_hash(configured(steps)) == config_hash(configured(*said))
        assert difference(content(configured(steps)), content(configured(*said)), []) is None


def test_a_run_that_goes_on_keeps_its_numbers(
    configured: Configured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_pictures: None
) -> None:
    """Also with more steps than it was begun with, of which they would be others."""
    for name, value in {"LOG_EVERY": 1, "EVAL_EVERY": 10, "MEASURED": 10, "EVALUATED": 2}.items():
        monkeypatch.setattr(intervals, name, value)
    assert intervals.intervals(configured(), 60) == {"log_every": 10, "eval_every": 50}
    whole, raised = made(tmp_path / "whole"), made(tmp_path / "raised")
    run(configured("steps=60", "log_every=5", "eval_every=20"), whole)
    run(configured("steps=33"), raised)
    for _ in range(2):
        run(configured("steps=60"), raised, resumed=Resumed(raised))
        said = OmegaConf.load(raised / ".hydra" / "config.yaml")
        assert (said.log_every, said.eval_every) == (5, 20)
        assert apart(whole, raised) == []
