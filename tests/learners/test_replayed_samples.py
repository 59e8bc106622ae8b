"""engine=replay with samples of many learning periods: those of one sample are taken in one native call."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import pytest
import torch

from hl_cli.build import Comparison
from hl_cli.errors import NonFinite
from hl_cli.learners.equality import same_bits

Build = Callable[..., Comparison]
pytestmark = pytest.mark.skipif(not (shutil.which("g++") or shutil.which("clang++")), reason="no C++ compiler")
SCHOOL = ("experiment=signal_school", "stream.lecture=60", "model.hidden=5")
WAVES = ("scheme=forward", "stream=mackey_glass", "stream.targets=all", "model=rnn", "model.hidden=4")
TICKS = 20  # of a sample


def course(built: Comparison, samples: list[Any], observe: int = 4) -> list[tuple[Any, ...]]:
    """What a learner says, and what it then is; every so many samples are measured."""
    found = []
    for k, sample in enumerate(samples):
        record = built.hl.step(sample, k % observe == observe - 1)
        found.append((record.prediction, record.loss, str(record.physics), built.hl.state_dict()))
    return found


def pair(build: Build, *choice: str) -> tuple[Comparison, Comparison, list[Any]]:
    eager, replay = build(*choice, f"stream.ticks={TICKS}"), build(*choice, f"stream.ticks={TICKS}", "engine=replay")
    return eager, replay, [next(eager.stream) for _ in range(9)]


@pytest.mark.parametrize(
    "choice",
    [
        SCHOOL,
        (*SCHOOL, "scheme.reset=never", "integrator=semi_implicit_euler", "dtype=float64"),
        (*WAVES, "credit=eligibility", "scenario=mom_a"),
        (*WAVES, "scheme.reset=z", "scenario=gd_b", "dtype=float64"),
        (*WAVES, "scheme.reset=h", "credit=eligibility", "scenario=adam"),
    ],
    ids=["school", "school-never", "never", "z", "h"],
)
def test_the_same_bits_in_few_calls(build: Build, choice: tuple[str, ...], done: list[int]) -> None:
    """Also where a sample is measured, which is said of its last period: all before it are taken at once."""
    eager, replay, samples = pair(build, *choice)
    assert same_bits(course(replay, samples), course(eager, samples))
    assert max(done) >= TICKS - 2 and sum(done) > 100 and len(done) < 40


def test_what_rests_before_a_sample_of_one_period(build: Build, done: list[int]) -> None:
    """Nothing is foretold of it, after longer ones either."""
    eager, replay, samples = pair(build, *WAVES, "scheme.reset=sample")
    short = [one._replace(inputs=one.inputs[:, :1], target=one.target[:1]) for one in samples]
    mixed = [one for both in zip(samples, short, strict=True) for one in (*both, both[1])]
    assert same_bits(course(replay, mixed), course(eager, mixed)) and max(done) >= TICKS - 2


def test_samples_of_several_rows(build: Build) -> None:
    """Their ticks do not lie together, and are taken one by one."""
    eager, replay, samples = pair(build, *WAVES, "batch_size=3")
    assert same_bits(course(replay, samples), course(eager, samples)) and replay.hl.replayed > 100


def test_it_stops_within_a_sample_where_the_eager_learner_does(build: Build, done: list[int]) -> None:
    eager, replay, samples = pair(build, *WAVES, "credit=eligibility", "scenario=mom_a")
    samples[5].inputs[:, 12] = torch.nan
    ends = []
    for one in (eager, replay):
        with pytest.raises(NonFinite) as stop:
            course(one, samples, observe=99)
        ends.append((stop.value.args, one.hl.steps, one.hl.phase.theta.clone(), one.hl.phase.omega.clone()))
    assert same_bits(ends[0], ends[1]) and eager.hl.steps == 5 * TICKS + 12 and 12 in done
