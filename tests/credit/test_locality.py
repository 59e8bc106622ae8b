"""A stage sees its neighbours' messages and no weights but its own; a fault stops it before its weights move."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from hl_cli.dynamics.equivalence import Coefficients
from hl_cli.errors import NonFinite
from hl_cli.learners.local import Local
from hl_cli.learners.passing import Blockwise, Wave
from hl_cli.learners.stage import Stage
from tests.chains import Make, learner_of, net_of, samples


@pytest.mark.parametrize("stash", [False, True])
def test_a_stage_sees_its_neighbours_messages_and_no_weights_but_its_own(stash: bool) -> None:
    """Every other stage's theta, omega and clock are poisoned after their messages were made: nothing changes."""
    stream = samples(13)
    for k in range(4):
        clean, poisoned = (learner_of(Local, net_of(4), stash=stash) for _ in range(2))
        assert isinstance(clean, Local) and isinstance(poisoned, Local)
        for sample in stream[:-1]:
            clean.step(sample)
            poisoned.step(sample)
        for other in poisoned.stages:
            if other.number != k + 1:
                other.phase.theta.fill_(torch.nan)
                other.phase.omega.fill_(1e30)
                other.steps = 10**6
        clean.step(stream[-1])
        with pytest.raises(NonFinite):
            poisoned.step(stream[-1])
        mine, same = clean.stages[k], poisoned.stages[k]
        assert torch.equal(mine.phase.omega, same.phase.omega)
        same.move_weights()  # a fault elsewhere had held it back
        assert torch.equal(mine.phase.theta, same.phase.theta)
        if k < 3:
            assert torch.equal(clean._h[k + 1], poisoned._h[k + 1])
        if k > 0:
            assert torch.equal(clean._zeta[k - 1], poisoned._zeta[k - 1])


@pytest.mark.parametrize("make", [Blockwise, Local])
def test_a_value_that_is_not_finite_moves_no_weight(make: Make) -> None:
    learner = learner_of(make, net_of(3))
    for sample in samples(10):
        learner.step(sample)
    before = {name: w.clone() for name, w in learner.weights().items()}
    bad = samples(1)[0]
    with pytest.raises(NonFinite, match=r"loss|weight costate of block"):
        for _ in range(10):
            before = {name: w.clone() for name, w in learner.weights().items()}
            learner.step(bad._replace(inputs=bad.inputs * torch.nan))
    assert all(torch.equal(w, before[name]) for name, w in learner.weights().items())


def test_a_fault_in_a_wave_stops_the_stage_that_meets_it() -> None:
    learner = learner_of(Wave, net_of(3))
    for sample in samples(5):
        learner.step(sample)
    middle = learner.stages[1].phase
    before = middle.theta.clone(), learner.stages[0].phase.theta.clone()
    middle.omega.fill_(torch.finfo(torch.float64).max)
    learner.coefficients = learner.stages[1].coefficients = Coefficients(1.0, 0.1, -1.0, 1.0, 1.0)
    with pytest.raises(NonFinite, match="weight costate of block 2"):
        learner.step(samples(1)[0])
    assert torch.equal(middle.theta, before[0]) and torch.equal(learner.stages[0].phase.theta, before[1])


@pytest.mark.parametrize(
    ("make", "options"), [(Blockwise, {}), (Wave, {}), (Local, {}), (Local, {"stash": True})], ids=str
)
@pytest.mark.parametrize("k", range(4))
def test_with_poisoned_neighbours_that_say_the_same_a_stage_does_the_same(
    k: int, make: Make, options: dict[str, Any]
) -> None:
    """All stages but one have weights that are no numbers, and pass on what the healthy ones of another net say."""
    clean, poisoned = (learner_of(make, net_of(4), **options) for _ in range(2))
    said: dict[tuple[int, str], Tensor | None] = {}
    heard: list[Tensor | None] = []

    def listen(stage: Stage, what: str) -> None:
        act = getattr(stage, what)

        def spoken(message: Tensor) -> Tensor | None:
            said[stage.number, what] = act(message)
            return said[stage.number, what]

        setattr(stage, what, spoken)

    def repeat(stage: Stage, what: str) -> None:
        setattr(stage, what, lambda message: said[stage.number, what])

    def compare(stage: Stage, what: str) -> None:
        act = getattr(stage, what)

        def compared(message: Tensor) -> Tensor | None:
            mine, same = act(message), said[stage.number, what]
            assert (mine is None) == (same is None) and (mine is None or torch.equal(mine, same))
            heard.append(mine)
            return mine

        setattr(stage, what, compared)

    for one, other in zip(clean.stages, poisoned.stages, strict=True):
        for what in ("forward", "pull"):
            listen(one, what)
            (compare if one.number == k + 1 else repeat)(other, what)
        if one.number != k + 1:
            other.phase.theta.fill_(torch.nan)
            other.steps = 10**6
    start = clean.stages[k].phase.theta.clone()
    for sample in samples(15):
        clean.step(sample)
        poisoned.step(sample)
    mine, same = clean.stages[k].phase, poisoned.stages[k].phase
    assert torch.equal(mine.theta, same.theta) and torch.equal(mine.omega, same.omega)
    assert not torch.equal(mine.theta, start) and len(heard) > 15
