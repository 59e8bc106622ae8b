"""The verdict: a planted error is told from round-off, and chaos from error."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from hl_cli.build import Comparison
from hl_cli.compare import pace
from hl_cli.compare.differences import Differences, max_ulp
from hl_cli.compare.pairs import Pairs
from hl_cli.compare.running_metrics import RunningMetrics
from hl_cli.compare.schedule import Schedule
from hl_cli.compare.side_by_side import Divergence, StepRecord, side_by_side
from hl_cli.compare.verdict import Verdict, judge, noise_floor, one_ulp_away
from hl_cli.reporting.tables import Tables
from hl_cli.types import Sample

Build = Callable[..., Comparison]


def compared(built: Comparison, spoil: Callable[[int], None] = lambda step: None) -> tuple[Verdict, list[StepRecord]]:
    differences = Differences(built.hl.weights(), built.pytorch.weights())
    records = []
    for record in side_by_side(built.stream, built.hl, built.pytorch, built.measure, built.schedule, differences):
        records.append(record)
        spoil(record.step)
    apart = {r.step: r.distance.max_abs for r in records if r.distance}
    diverged = [d for r in records for d in r.diverged]
    verdict = judge(
        differences.first_step,
        apart,
        diverged,
        1.0,
        lambda steps: noise_floor(built.fresh_stream(), built.fresh_pytorch, steps, 0),
    )
    return verdict, records


@pytest.mark.parametrize(
    ("overrides", "word"),
    [
        ((), "identical"),
        (("tau=0.3", "dtype=float64"), "round_off"),
        (("integrator=explicit_euler",), "different"),
        (("experiment=chaos", "steps=400"), "round_off"),
        (("scenario=custom", "scenario.beta=0.01", "scenario.eta=1.5"), "different"),  # no SGD equals it
    ],
)
def test_words(build: Build, overrides: tuple[str, ...], word: str) -> None:
    verdict, records = compared(build("steps=200", "log_every=10", *overrides))
    assert verdict.word == word, verdict.reason
    assert (verdict.noise_floor is None) == (word == "identical")  # replayed only when needed
    assert [r.step for r in records] == list(range(1, len(records) + 1))


def test_chaos_really_is_chaos(build: Build) -> None:
    """The weights end far apart, and so does PyTorch started one ulp away."""
    verdict, records = compared(build("experiment=chaos", "steps=400", "log_every=10"))
    assert records[-1].distance is not None and records[-1].distance.max_abs > 0.1
    assert verdict.noise_floor is not None and max(verdict.noise_floor.values()) > 0.1


@pytest.mark.parametrize("size", [1e-3, 1e-5])
def test_a_small_planted_error_is_different_in_chaos_too(build: Build, size: float) -> None:
    """A weight of HL is off by a little after step 20: far above the floor of that moment."""
    built = build("experiment=chaos", "steps=200", "log_every=10")

    def spoil(step: int) -> None:
        if step == 20:
            next(iter(built.hl.weights().values())).view(-1)[5] += size

    assert compared(built, spoil)[0].word == "different"


def test_one_flipped_bit_is_not_identical(build: Build) -> None:
    built = build("steps=40", "log_every=10")

    def spoil(step: int) -> None:
        if step == 20:
            w = next(iter(built.hl.weights().values())).view(-1)
            w[5] = torch.nextafter(w[5], torch.tensor(9.0))

    verdict, records = compared(built, spoil)
    assert verdict.word == "round_off"
    first = next(r for r in records if r.equal is False)
    assert first.step == 21 and first.distance is not None and first.distance.max_ulp >= 1


def test_one_ulp_away(build: Build) -> None:
    built = build()
    before = {name: w.clone() for name, w in built.pytorch.weights().items()}
    one_ulp_away(built.pytorch, 0)
    for name, w in built.pytorch.weights().items():
        assert max_ulp(w, before[name]) == 1
        assert not bool((w == before[name]).any())
        assert bool((w > before[name]).any()) and bool((w < before[name]).any())


def test_divergence_of_one_leaves_the_other(build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = build("steps=60", "log_every=10", "eval_every=20")
    step = built.hl.step
    nan = torch.full((1, 1, 64), torch.nan)
    monkeypatch.setattr(
        built.hl, "step", lambda s, observe=False: step(Sample(nan, s.target) if built.hl.steps == 24 else s, observe)
    )
    verdict, records = compared(built)
    assert verdict.word == "diverged" and not verdict.meets("round_off") and verdict.meets(None)
    for words in ("step 25", "loss of hl", "tau = 1"):
        assert words in verdict.reason
    assert len(records) == 60
    assert records[24].diverged == (Divergence(25, "hl", "loss"),)
    assert [set(r.means) for r in records] == [{"hl", "pytorch"}] * 24 + [{"pytorch"}] * 36
    assert records[-1].held_out is not None and set(records[-1].held_out) == {"pytorch"}
    assert all(r.distance is None for r in records[24:])

    tally = RunningMetrics(built.measure, tuple(built.arms))
    tables = Tables(tmp_path, tally, Pairs(built.learners, built.reference), ["hl"])
    for record in records:
        tally.consume(record)
        tables.consume(record)
    tables.close()
    with (tmp_path / "running.csv").open(newline="") as file:
        rows = {int(row["step"]): row for row in csv.DictReader(file)}
    for step, row in rows.items():
        empty = {
            over for over in ("window", "cumulative") if row[f"{over}_hl_loss"] == row[f"{over}_hl_accuracy"] == ""
        }
        assert empty == (set() if step < 25 else {"window", "cumulative"}), step
        assert row["window_pytorch_loss"] and row["cumulative_pytorch_accuracy"]


def test_both_diverging_ends_the_run(build: Build) -> None:
    verdict, records = compared(build("scenario=custom", "scenario.lr=1e38", "steps=300"))
    assert verdict.word == "diverged" and len(records) < 300
    assert {d.learner for r in records for d in r.diverged} == {"hl", "pytorch"}


def test_the_last_common_step_is_measured_and_kept(build: Build) -> None:
    """HL with tau eta = 2.5 has a momentum of -1.5: it diverges alone, and PyTorch goes on."""
    built = build("scenario=custom", "scenario.beta=0.01", "scenario.eta=2.5", "steps=400", "log_every=50")
    differences = Differences(built.hl.weights(), built.pytorch.weights())
    records = list(side_by_side(built.stream, built.hl, built.pytorch, built.measure, built.schedule, differences))
    (gone,) = [d for r in records for d in r.diverged]
    assert gone.learner == "hl" and 1 < gone.step < 400 and len(records) == 400
    assert differences.last_step == gone.step - 1
    last = records[gone.step - 2]
    assert last.distance is not None and last.distance.max_abs == max(
        t.distance.max_abs for t in differences.by_tensor()
    )


def test_a_held_out_loss_that_is_not_finite_is_a_divergence(build: Build) -> None:
    verdict, records = compared(build("scenario=custom", "scenario.lr=3e38", "steps=1"))
    assert verdict.word == "diverged" and "held-out loss of hl" in verdict.reason
    assert len(records) == 1 and records[0].held_out == {}


def test_a_replay_that_is_broken_off_judges_what_it_saw(build: Build) -> None:
    built = build("steps=40", "log_every=10", "integrator=explicit_euler")
    left = [25]

    def stop() -> bool:
        left[0] -= 1
        return left[0] < 0

    floor = noise_floor(built.fresh_stream(), built.fresh_pytorch, [1, 10, 20, 30, 40], 0, stop)
    assert list(floor) == [1, 10, 20]
    verdict = judge(1, dict.fromkeys((1, 10, 20, 30, 40), 1.0), [], 1.0, lambda steps: floor)
    assert verdict.word == "different" and "judged by the steps up to 20" in verdict.reason
    assert "was not measured" in judge(1, {1: 1.0}, [], 1.0, lambda steps: {}).reason
    assert judge(1, {1: 0.0, 2: 1e-9}, [], 1.0, lambda steps: {1: 0.0, 2: 1e-9}).word == "round_off"  # -0 and +0


def test_stop_finishes_with_a_measured_and_evaluated_step(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked before steps 1 and 2, and then in a burst, after 2 steps and 4 more."""
    monkeypatch.setattr(pace, "perf_counter", lambda: 0.0)
    built = build("steps=1000", "log_every=50")
    differences = Differences(built.hl.weights(), built.pytorch.weights())
    asked = []

    def stop() -> bool:
        asked.append(1)
        return len(asked) > 3

    loop = side_by_side(built.stream, built.hl, built.pytorch, built.measure, built.schedule, differences, stop)
    records = list(loop)
    assert [record.step for record in records] == list(range(1, 9))
    assert not any(record.measured or record.held_out for record in records[1:-1])
    assert records[-1].distance is not None and records[-1].held_out is not None


def test_schedule() -> None:
    schedule = Schedule(steps=25, log_every=10, eval_every=15)
    assert [s for s in range(1, 26) if schedule.measures(s)] == [1, 10, 20, 25]
    assert [s for s in range(1, 26) if schedule.evaluates(s)] == [15, 25]
    step, sizes = 0, []
    while step < 25:
        sizes.append(schedule.burst(step, 100))
        step += sizes[-1]
    assert sizes == [1, 9, 5, 5, 5]
    assert schedule.burst(1, 4) == 4


@pytest.mark.parametrize(
    ("word", "expect", "meets"),
    [
        ("identical", "identical", True),
        ("identical", "round_off", True),
        ("round_off", "identical", False),
        ("round_off", "round_off", True),
        ("different", "round_off", False),
        ("diverged", None, True),
    ],
)
def test_expectations(word: str, expect: str | None, meets: bool) -> None:
    assert Verdict(word, "").meets(expect) == meets
