"""engine=replay where the course of a run changes: steps that raise, states that are loaded, weights that rest."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from hl_cli.build import Comparison
from hl_cli.errors import NonFinite
from hl_cli.learners.equality import same_bits
from hl_cli.types import Sample

Build = Callable[..., Comparison]
NET = ("model.hidden=[5]", "scenario=adam")
RESTING = ("stream=digits", "model=module", "model.factory=tests.material:sometimes", "split=output", "batch_size=3")


def cut(sample: Sample, rows: int) -> Sample:
    return sample._replace(inputs=sample.inputs[:rows], target=sample.target[:rows])


@pytest.mark.parametrize(("usual", "scenario"), [(3, "gd_b"), (3, "adam"), (2, "adam")])
def test_weights_without_a_gradient(build: Build, usual: int, scenario: str) -> None:
    """Of batches of three always; of two at a measured step alone, after which they are a step behind for Adam."""
    choice = [*RESTING, f"scenario={scenario}"]
    eager, replay = build(*choice), build(*choice, "engine=replay")
    for step in range(16):
        sample = cut(next(eager.stream), 3 if step == 7 else usual)
        for learner in (eager.hl, replay.hl):
            learner.step(sample, observe=step == 7)
        assert same_bits(eager.hl.state_dict(), replay.hl.state_dict())
    assert replay.hl.replayed > 6


def test_it_goes_on_after_a_first_step_of_its_kind_that_raised(build: Build) -> None:
    choice = [*NET, "batch_size=3"]
    eager, replay = build(*choice), build(*choice, "engine=replay")
    for step in range(10):
        sample = cut(next(eager.stream), 2)
        bad = next(eager.stream)
        bad.inputs[...] = torch.nan
        for learner in (eager.hl, replay.hl):
            if step == 6:
                with pytest.raises(NonFinite):
                    learner.step(bad)
            learner.step(sample)
    assert same_bits(eager.hl.state_dict(), replay.hl.state_dict()) and replay.hl.replayed > 4


def test_a_kind_of_step_that_comes_back_after_many_others_is_replayed(build: Build) -> None:
    """The numbers of the steps between, of which each has its own, push no constant of its recording out."""
    replay = build(*NET, "batch_size=3", "engine=replay")
    sample = next(replay.stream)
    small = cut(sample, 2)
    for rows in [*[sample] * 3, small, *[sample] * 260, small, small]:
        replay.hl.step(rows)
    before = replay.hl.replayed
    replay.hl.step(small)
    assert replay.hl.replayed == before + 1 and before > 260


@pytest.mark.parametrize("engine", ["eager", "replay"])
def test_a_state_that_is_loaded_within_a_window(build: Build, engine: str) -> None:
    """What the window has summed is forgotten: the learner is as one that was never anywhere else."""
    choice = [*NET, "update_every=3", f"engine={engine}"]
    one, other = build(*choice), build(*choice)
    samples = [next(one.stream) for _ in range(30)]
    start = other.hl.state_dict()
    for sample in samples[:17]:
        one.hl.step(sample)
    one.hl.load_state_dict(start)
    for sample in samples[17:]:
        one.hl.step(sample), other.hl.step(sample)
    assert same_bits(one.hl.state_dict(), other.hl.state_dict())
