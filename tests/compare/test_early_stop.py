"""A run that ends before its steps are done: at the right step, with a whole end, and again there when resumed."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hydra import compose, initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from omegaconf import DictConfig

from hl_cli.build import Comparison
from hl_cli.build.early_stop import early_stop
from hl_cli.compare.early_stop import EarlyStop
from hl_cli.compare.metrics import Measure
from hl_cli.compare.record import Divergence, StepRecord
from hl_cli.compare.running_metrics import RunningMetrics
from hl_cli.compare.schedule import Schedule
from hl_cli.errors import BadInput
from hl_cli.reporting.checkpoints import saved
from hl_cli.runs.resume import Resumed, take_up
from hl_cli.runs.run import run
from hl_cli.types import Task
from tests.broken_off import Configured, Killed, apart, die_at, made

SHORT = ("steps=400", "log_every=7", "checkpoint_every=10", "scenario=mom_b")
LOSS = (*SHORT, "eval_every=0", "stop.loss=1.9")
PATIENCE = (*SHORT, "eval_every=20", "scenario.lr=0.9", "stop.patience=3")


def column(file: Path, name: str) -> dict[int, float]:
    with file.open(newline="") as opened:
        return {int(row["step"]): float(row[name]) for row in csv.DictReader(opened)}


def low_since(folder: Path) -> int:
    """The first measured step at which the mean of the last 100 losses is below 1.9 in both arms, from curves.csv."""
    arms = [column(folder / "curves.csv", f"{arm}_loss") for arm in ("hl", "pytorch")]
    for step in range(105, 401, 7):
        if all(sum(losses[k] for k in range(step - 99, step + 1)) / 100 < 1.9 for losses in arms):
            return step
    return 0


def no_better_since(folder: Path) -> int:
    """The evaluation that is the third in a row without a lowest loss of either arm, from evaluation.csv."""
    arms = [column(folder / "evaluation.csv", f"{arm}_loss") for arm in ("hl", "pytorch")]
    best, since = [float("inf")] * 2, 0
    for step in range(20, 401, 20):
        now = [losses[step] for losses in arms]
        since = 0 if any(a < b for a, b in zip(now, best, strict=True)) else since + 1
        best = [min(pair) for pair in zip(now, best, strict=True)]
        if since == 3:
            return step
    return 0


@pytest.mark.usefixtures("no_pictures")
@pytest.mark.parametrize(("overrides", "found"), [(LOSS, low_since), (PATIENCE, no_better_since)])
def test_a_run_ends_early_and_so_does_one_that_was_resumed(
    configured: Configured,
    overrides: tuple[str, ...],
    found: Callable[[Path], int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    cfg, whole = configured(*overrides), made(tmp_path / "whole")
    outcome = run(cfg, whole)
    met = found(whole)
    assert 80 <= met < 399
    last, why = outcome.summary["steps"], outcome.summary["ended_early"]
    assert (outcome.exit_code, last, outcome.summary["verdict"]) == (0, met + 1, "identical")
    assert why.startswith(overrides[-1]) and str(met) in why
    assert "the stream ended" not in outcome.summary["note"]
    assert f"ended early                {why}" in capsys.readouterr().out
    assert all(why in (whole / page).read_text() for page in ("report.md", "report.html"))
    for file in ("evaluation.csv", "weight_difference.csv", "curves.csv"):
        assert max(column(whole / file, "step")) == last
    assert saved(whole)[0].name == f"end-{last:09d}.pt"

    (whole / ".hydra" / "overrides.yaml").write_text(yaml.safe_dump(list(overrides)))
    for more in ([], ["steps=9999"]):
        _, resumed = take_up([f"resume={whole}", *more])
        assert resumed is not None and f"ended early after {last} steps" in resumed.done and why in resumed.done

    for number, step in enumerate((met - 15, met, last)):  # in between, when it is met, and when the last step is taken
        broken = made(tmp_path / f"broken{number}")
        die_at(step, monkeypatch)
        with pytest.raises(Killed):
            run(cfg, broken)
        die_at(-1, monkeypatch)
        again = run(cfg, broken, resumed=Resumed(broken))
        assert (again.summary["steps"], again.summary["ended_early"]) == (last, why)
        assert apart(whole, broken) == []

    (whole / "summary.json").unlink()  # as if its end had not been written
    assert run(cfg, whole, resumed=Resumed(whole)).summary["steps"] == last
    assert json.loads((whole / "summary.json").read_text())["ended_early"] == why


@pytest.mark.usefixtures("no_pictures")
def test_a_run_whose_conditions_are_never_met_takes_all_its_steps(configured: Configured, tmp_path: Path) -> None:
    plain, watched = made(tmp_path / "plain"), made(tmp_path / "watched")
    short = ("steps=120", "log_every=7", "eval_every=20", "checkpoint_every=0")
    run(configured(*short), plain)
    outcome = run(configured(*short, "stop.loss=0.0001", "stop.patience=100"), watched)
    assert (outcome.summary["steps"], outcome.summary["ended_early"]) == (120, None)
    assert apart(plain, watched) == []


def record(step: int, losses: dict[str, float], held_out: dict[str, float] | None = None, **more: object) -> StepRecord:
    scores = None if held_out is None else {name: {"loss": loss} for name, loss in held_out.items()}
    return StepRecord(step, {name: (loss, 0.5) for name, loss in losses.items()}, True, held_out=scores, **more)  # type: ignore[arg-type]


def watching(loss: float | None, patience: int | None) -> tuple[RunningMetrics, EarlyStop]:
    tally = RunningMetrics(Measure(Task("classes", 3), "cross_entropy"), ("hl", "pytorch", "frozen"))
    return tally, EarlyStop(Schedule(10**6, 10, 10), tally, ("hl", "pytorch"), loss, patience)


def met_at(early: EarlyStop, tally: RunningMetrics, records: list[StepRecord]) -> int | None:
    for one in records:
        tally.consume(one)
        early.consume(one)
        if early():
            return one.step
    return None


def test_neither_a_control_nor_an_arm_that_diverged_keeps_a_run_from_its_end() -> None:
    tally, early = watching(1.0, None)
    high = {"hl": 0.5, "pytorch": 7.0, "frozen": 7.0}
    assert met_at(early, tally, [record(step, high) for step in range(1, 121)]) is None
    left = {"hl": 0.5, "frozen": 7.0}
    lost = record(121, left, diverged=(Divergence(121, "pytorch", "loss"),))
    assert met_at(early, tally, [lost, *(record(step, left) for step in range(122, 200))]) == 130


def test_the_window_is_full_first() -> None:
    tally, early = watching(1.0, None)
    low = {"hl": 0.5, "pytorch": 0.5, "frozen": 0.5}
    assert met_at(early, tally, [record(step, low) for step in range(1, 200)]) == 100


def test_patience_ends_when_no_arm_improves() -> None:
    tally, early = watching(None, 2)
    held = [
        {"hl": 3.0, "pytorch": 3.0},
        {"hl": 4.0, "pytorch": 2.0},
        {"hl": 4.0, "pytorch": 2.0},
        {"hl": 2.5, "pytorch": 9.0},
    ]
    held += [{"hl": 2.5, "pytorch": 9.0}, {"hl": 2.6, "pytorch": 2.1}]
    assert met_at(early, tally, [record(10 * k, {}, of) for k, of in enumerate(held, start=1)]) == 60


def test_the_evaluation_after_a_signal_does_not_count() -> None:
    tally, early = watching(9.0, 1)
    full = [record(step, {"hl": 10.0, "pytorch": 10.0}, {"hl": 1.0} if step == 10 else None) for step in range(1, 111)]
    assert met_at(early, tally, [*full, record(113, {"hl": -900.0, "pytorch": -900.0}, {"hl": 2.0})]) is None


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["stop.patience=3", "eval_every=0"], r"stop\.patience=3 \(eval_every=0\): .* allowed: eval_every=1 or more"),
        (["stop.loss=0"], r"stop\.loss=0\.0: allowed: a number > 0"),
        (["stop.loss=.nan"], r"stop\.loss=nan: allowed: a number > 0"),
        (["stop.patience=0"], r"stop\.patience=0: allowed: a number >= 1"),
    ],
)
def test_what_cannot_be_met_is_refused(build: Callable[..., Comparison], overrides: list[str], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        build(*overrides)


def composed(*overrides: str) -> DictConfig:
    GlobalHydra.instance().clear()
    with initialize_config_module("hl_cli.configs", version_base="1.3"):
        return compose("run", overrides=list(overrides))


def test_controls_alone_cannot_reach_a_loss(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"stop\.loss=0\.5: no arm of this run learns"):
        run(composed("arm=[frozen]", "stop.loss=0.5"), tmp_path)


def test_by_default_nothing_watches_and_a_dry_run_takes_no_end(
    build: Callable[..., Comparison], configured: Configured, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    built, cfg = build(), configured()
    assert early_stop(cfg.stop, built.arms.values(), built.schedule, RunningMetrics(built.measure)) is None
    folder = made(tmp_path / "dry")
    assert run(configured("dry_run=true", "stop.loss=100", "steps=300"), folder).exit_code == 0
    assert not any(folder.iterdir())
    assert "300 steps" in (said := capsys.readouterr().out) and "stop.loss" in said
