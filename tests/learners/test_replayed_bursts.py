"""engine=replay in bursts: many samples in one native call say, leave and stop at what the eager steps do."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import pytest
import torch

from hl_cli.build import Comparison
from hl_cli.errors import NonFinite, RunawayWeights
from hl_cli.learners.equality import same_bits
from tests.one_by_one import taken

Build = Callable[..., Comparison]
pytestmark = pytest.mark.skipif(not (shutil.which("g++") or shutil.which("clang++")), reason="no C++ compiler")
ONLINE = ("scheme=forward", "stream=mackey_glass", "stream.ticks=1", "model.hidden=4", "credit=eligibility")
CASES = [
    ("model=mlp", "scenario=gd_b", "dtype=float64"),  # omega and the drive change places at each step
    ("model=mlp", "scenario=adam", "clip=1", "batch_size=3"),
    ("model=cnn", "scenario=mom_b"),
    ("model=lstm", "stream=digits_rows", "model.hidden=4", "scenario=nadam", "checkpointing=segments"),
    (*ONLINE, "model=rnn", "scenario=mom_a", "dtype=float64"),
    (*ONLINE, "model=diagonal", "scenario=gd_b", "scenario.lr=1e-4"),
    (*ONLINE, "model=gru", "scenario=adam", "scheme.rise=9"),
    (*ONLINE, "model=rnn", "integrator=explicit_euler"),
]


def said(learner: Any, samples: list[Any], each: int) -> list[tuple[Any, ...]]:
    """What it says of the samples, so many at once, its weights after each, and what it then is."""
    out: list[tuple[Any, ...]] = []
    for k in range(0, len(samples), each):
        live = [w.view(-1) for w in learner.weights().values()]
        for record, row in taken(learner, samples[k : k + each], True, lambda live=live: live):  # type: ignore[misc]
            out.append((record.prediction, record.loss, row))
        out.append((learner.state_dict(),))
    return out


def pair(build: Build, choice: tuple[str, ...], count: int) -> tuple[Comparison, Comparison, list[Any]]:
    eager, replay = build(*choice), build(*choice, "engine=replay")
    return eager, replay, [next(eager.stream) for _ in range(count)]


@pytest.mark.parametrize("choice", CASES, ids=lambda choice: "-".join(part.split("=")[1] for part in choice[-3:]))
def test_the_same_bits(build: Build, choice: tuple[str, ...], done: list[int]) -> None:
    """The last of each thirteen samples is measured, and one in between has no target."""
    eager, replay, samples = pair(build, choice, 39)
    samples[30] = samples[30]._replace(target=None)
    assert same_bits(said(replay.hl, samples, 13), said(eager.hl, samples, 13))
    assert sum(done) > 12 and eager.hl.steps == replay.hl.steps


def test_it_goes_on_past_the_ticks_at_which_the_weights_are_looked_at(build: Build, done: list[int]) -> None:
    eager, replay, samples = pair(build, (*ONLINE, "model=rnn", "scenario=mom_b"), 140)
    assert same_bits(said(replay.hl, samples, 140), said(eager.hl, samples, 140)) and max(done) > 64


def test_weights_that_have_run_away_stop_it_at_the_tick_that_looks(build: Build, done: list[int]) -> None:
    """Tick 128, of which the driver finds the weights before it begins."""
    eager, replay, samples = pair(build, (*ONLINE, "model=rnn", "scenario=mom_a"), 140)
    ends: list[list[Any]] = []
    for learner in (eager.hl, replay.hl):
        said(learner, samples[:70], 70)
        learner.phase.theta[0] = 1e9
        out: list[Any] = []
        with pytest.raises(RunawayWeights):
            out.extend(record for record, _ in taken(learner, samples[70:], False, lambda: []))
        ends.append([out, learner.steps, learner.state_dict()])
    assert eager.hl.steps == 128 and same_bits(ends[0], ends[1]) and 58 in done


def test_samples_of_two_sizes_end_a_burst(build: Build, done: list[int]) -> None:
    eager, replay, samples = pair(build, ("model.hidden=[5]", "batch_size=3"), 40)
    for k in (25, 26, 33, 34, 35):
        samples[k] = samples[k]._replace(inputs=samples[k].inputs[:2], target=samples[k].target[:2])
    assert same_bits(said(replay.hl, samples, 20), said(eager.hl, samples, 20)) and sum(done) > 20


@pytest.mark.parametrize("choice", [("model.hidden=[5]",), (*ONLINE, "model=rnn")], ids=["global", "forward"])
@pytest.mark.parametrize("what", ["inputs", "omega", "sum"])
def test_what_is_not_finite_stops_it_at_its_step(
    build: Build, choice: tuple[str, ...], what: str, done: list[int]
) -> None:
    """In the state of the eager learner; a sum that overflows alone stops nothing."""
    slow = ("scenario=mom_b", "scenario.lr=1e-40", "dtype=float32") if what == "sum" else ("scenario=mom_a",)
    eager, replay, samples = pair(build, (*choice, *slow), 40)
    for learner in (eager.hl, replay.hl):
        said(learner, samples[:10], 10)
    if what == "inputs":
        samples[25].inputs[...] = torch.nan
    ends: list[list[Any]] = []
    for learner in (eager.hl, replay.hl):
        if what == "sum":
            learner.phase.omega[:8] = 3e38
        if what == "omega":
            learner.phase.omega[3] = torch.inf
        out: list[Any] = []
        live = [w.view(-1) for w in learner.weights().values()]
        try:
            for record, row in taken(learner, samples[10:], False, lambda live=live: live):  # type: ignore[misc]
                out.append((record.prediction, record.loss, row))
        except NonFinite as stop:
            out.append(stop.args)
        state = learner.state_dict()
        if what == "inputs":  # states that are not finite are no state to go on from
            del state["credit"]
        ends.append([out, learner.steps, learner.moves, state])
    assert len(ends[0][0]) == {"inputs": 16, "omega": 1, "sum": 30}[what]
    assert same_bits(ends[0], ends[1]) and sum(done) >= {"inputs": 9, "omega": 0, "sum": 20}[what]
    assert done
