"""engine=replay of a held-out evaluation: the predictions of eager neurons, without Python between their ticks."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest
import torch

from hl_cli.build import Comparison
from hl_cli.learners.equality import same_bits
from hl_cli.learners.replayed import ReplayedLearner

Build = Callable[..., Comparison]
pytestmark = pytest.mark.skipif(not (shutil.which("g++") or shutil.which("clang++")), reason="no C++ compiler")
WAVES = ("scheme=forward", "stream=mackey_glass", "model.hidden=4")
CASES = [
    (*WAVES, "model=rnn", "stream.ticks=1"),
    (*WAVES, "model=lstm", "stream.ticks=5", "dtype=float64"),
    (*WAVES, "model=gru", "stream.ticks=5", "stream.targets=all", "credit=eligibility"),
    (*WAVES, "model=trace_units", "stream.ticks=1", "credit=eligibility"),
    (*WAVES, "model=leaky_rnn", "stream.ticks=1", "split=state_output", "scheme.reset=z"),
    ("experiment=signal_school", "stream.lecture=60", "stream.ticks=20", "model.hidden=5", "scheme.reset=never"),
]


def pair(build: Build, *choice: str) -> tuple[Comparison, Comparison]:
    both = build(*choice), build(*choice, "engine=replay")
    for sample in [next(both[0].stream) for _ in range(3)]:
        for one in both:
            one.hl.step(sample)
    return both


@pytest.fixture
def listened(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Whether each evaluation was without Python."""
    found, say = list[bool](), ReplayedLearner._say

    def seen(learner: ReplayedLearner, inputs: torch.Tensor) -> torch.Tensor:
        assert learner._listening is not None
        found.append(learner._listening(inputs) is not None)
        return say(learner, inputs)

    monkeypatch.setattr(ReplayedLearner, "_say", seen)
    return found


@pytest.mark.parametrize("choice", CASES, ids=lambda choice: choice[1].split("=")[1] + "-" + choice[2].split("=")[1])
def test_the_same_bits(build: Build, choice: tuple[str, ...], listened: list[bool]) -> None:
    """Twice, for nothing of them is kept, and again after a step of training."""
    eager, replay = pair(build, *choice)
    held_out = eager.stream.held_out().inputs[:60]
    for _ in range(2):
        assert same_bits(replay.hl.predict(held_out), eager.hl.predict(held_out))
        assert same_bits(replay.hl.predict(held_out), eager.hl.predict(held_out))
        sample = next(eager.stream)
        eager.hl.step(sample), replay.hl.step(sample)
        assert same_bits(replay.hl.state_dict(), eager.hl.state_dict())
    assert listened == [True] * 4


@pytest.mark.parametrize(
    "choice",
    [(*WAVES, "model=rnn", "stream.ticks=5", "scheme.reset=sample"), (*WAVES, "model=rnn", "batch_size=3")],
    ids=["rest", "rows"],
)
def test_the_same_of_neurons_that_rest_or_are_many(build: Build, choice: tuple[str, ...]) -> None:
    """Those that rest before each sample take all samples at once; of a batch the last row goes on."""
    eager, replay = pair(build, *choice)
    held_out = eager.stream.held_out().inputs[:60]
    assert same_bits(replay.hl.predict(held_out), eager.hl.predict(held_out))


def test_neurons_that_read_a_number_are_eager(build: Build, listened: list[bool]) -> None:
    """The exponential of a matrix looks at its norm, and then makes other calls."""
    eager, replay = pair(build, *WAVES, "model=antisymmetric", "stream.ticks=1")
    held_out = eager.stream.held_out().inputs[:60]
    assert same_bits(replay.hl.predict(held_out), eager.hl.predict(held_out)) and listened == [False]


def test_what_is_not_finite_is_said_as_it_is(build: Build, listened: list[bool]) -> None:
    eager, replay = pair(build, *CASES[0])
    held_out = eager.stream.held_out().inputs[:60].clone()
    held_out[40] = torch.nan
    found = replay.hl.predict(held_out)
    assert same_bits(found, eager.hl.predict(held_out)) and bool(found[40:].isnan().all()) and listened == [True]


def test_kernels_say_the_same_up_to_round_off(build: Build, listened: list[bool]) -> None:
    choice = (*CASES[0], "dtype=float64")
    eager, fused = build(*choice), build(*choice, "engine=compiled")
    held_out = eager.stream.held_out().inputs[:60]
    for one in (eager, fused):
        one.hl.step(next(one.stream))
    assert torch.allclose(fused.hl.predict(held_out), eager.hl.predict(held_out), rtol=1e-12, atol=1e-12)
    assert listened == [True]
