"""Every kind of credit keeps the contract: it fills the drive period by period, and the rule alone moves weights."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

import pytest
import torch

from hl_cli.build import Comparison

KINDS = {
    "backward": ("model=rnn", "stream=lorenz", "stream.ticks=3", "split=state_output"),
    "backward, every tick": ("model=gru", "stream=lorenz", "stream.ticks=3", "stream.targets=all", "split=state"),
    "forward": ("model=rnn", "stream=lorenz", "stream.ticks=3", "scheme=forward", "split=state_output"),
    "forward, every tick": ("model=rnn", "stream=lorenz", "stream.ticks=2", "stream.targets=all", "scheme=forward"),
}
Build = Callable[..., Comparison]


@pytest.mark.parametrize("choice", KINDS.values(), ids=KINDS)
def test_a_learner_is_a_credit_and_a_rule(choice: tuple[str, ...], build: Build) -> None:
    """Each period fills the drive and leaves the weights; with the rule after it, the two are the learner."""
    whole, apart = build(*choice).hl, build(*choice)
    hl: Any = apart.hl
    forward = "scheme=forward" in choice
    for sample in islice(apart.stream, 5):
        record, said, total = whole.step(sample), [], 0.0
        periods = 0
        with torch.no_grad():
            before = hl.phase.theta.clone()
            for y, loss, of, last in hl.credit.periods(sample):
                periods += 1
                assert torch.equal(hl.phase.theta, before)
                assert last == (periods == (sample.inputs.shape[1] if forward else 1))
                hl.phase.finish()
                phi, first = hl.credit.phi(hl.coefficients, hl.steps)
                hl.rule.step(hl.phase, hl.coefficients, phi, first, hl.credit.check())
                hl.steps += 1
                before = hl.phase.theta.clone()
                if y is not None:
                    said.append(y)
                    total += loss / of
        assert total == record.loss and len(torch.cat(said)) == len(record.prediction)
        for mine, other in zip(hl.weights().values(), whole.weights().values(), strict=True):
            assert torch.equal(mine, other)


def test_nothing_of_a_sequence_is_kept_between_samples(build: Build) -> None:
    built = build(*KINDS["backward"])
    built.hl.step(next(built.stream))
    assert built.hl.credit._run is None  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", ["backward", "forward"])
def test_a_checkpoint_of_before_is_taken_up(kind: str, build: Build) -> None:
    """Forward credit had theta and omega as they lie, and its clock as ticks; neither had a part named credit."""
    first, second = build(*KINDS[kind]), build(*KINDS[kind])
    hl: Any = first.hl
    for sample in islice(first.stream, 4):
        hl.step(sample)
    state = hl.state_dict()
    credit = state.pop("credit")
    if kind == "forward":
        old = {"theta": hl.phase.theta.clone(), "omega": hl.phase.omega.clone(), "waiting": state["waiting"], **credit}
    else:
        old = state
    second.hl.load_state_dict(old)
    for sample in islice(first.stream, 3):
        assert hl.step(sample).loss == second.hl.step(sample).loss
    for mine, other in zip(hl.weights().values(), second.hl.weights().values(), strict=True):
        assert torch.equal(mine, other)
