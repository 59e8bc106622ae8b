"""engine=replay online: ticks without Python have the bits of eager ticks, and stop where those stop."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import pytest
import torch

from hl_cli.build import Comparison
from hl_cli.errors import NonFinite, RunawayWeights, Unbounded
from hl_cli.learners.equality import same_bits
from tests.covering import covering, one_in
from tests.learners.test_replayed import taken

Build = Callable[..., Comparison]
TICKS = 12
ONLINE = ("scheme=forward", "stream=recall", "stream.task=adding", "model.hidden=4")
MODELS = ("rnn", "gru", "lstm", "leaky_rnn", "min_gru", "trace_units", "diagonal", "complex_diagonal", "rotation",
          "elementwise_lstm", "unicornn", "ring_rnn")  # fmt: skip
RULES = [
    ("scenario=gd_b",),
    ("scenario=mom_b", "scenario.lr=0.01"),
    ("scenario=adam", "clip=1"),
    ("scenario=nadam",),
    ("scenario=mom_a", "update_every=3"),
    ("scenario=gd_a", "schedule=cosine", "steps=90", "clip_value=0.1"),
]
CASES = covering(
    (model, credit, dtype)
    for model in MODELS
    for credit in ("costate", "eligibility", "network")
    for dtype in ("float32", "float64")
)


@one_in(2)
@pytest.mark.parametrize("case", [*enumerate(CASES)], ids=lambda case: "-".join(case[1]))
def test_the_same_bits(build: Build, case: tuple[int, tuple[str, str, str]], capfd: pytest.CaptureFixture[str]) -> None:
    """Rules take turns. PyTorch has nothing to warn of, in Python or below it."""
    turn, (model, credit, dtype) = case
    choice = [*ONLINE, f"model={model}", f"credit={credit}", f"dtype={dtype}", *RULES[turn % len(RULES)]]
    eager, replay = build(*choice), build(*choice, "engine=replay")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = taken(replay.hl, replay.stream, TICKS)
    assert same_bits(found, taken(eager.hl, eager.stream, TICKS))
    assert replay.hl.replayed >= 3
    assert not capfd.readouterr().err


@pytest.mark.parametrize(
    "more",
    [
        ("scheme.reset=sample", "credit=eligibility", "update_every=4", "batch_size=2"),
        ("scheme.reset=z", "credit=costate", "scheme.rate=0.5"),
        ("scheme.rise=5", "credit=costate", "scheme.eta_z=0.1"),
        ("scheme.carry=false", "credit=costate", "integrator=explicit_euler"),
    ],
    ids=lambda more: more[0],
)
def test_what_rests_and_what_rises(build: Build, more: tuple[str, ...]) -> None:
    """Rows with a target at the last tick alone."""
    choice = ["scheme=forward", "stream=digits_rows", "model=rnn", "model.hidden=4", *more]
    eager, replay = build(*choice), build(*choice, "engine=replay")
    assert same_bits(taken(replay.hl, replay.stream, 9), taken(eager.hl, eager.stream, 9))
    assert replay.hl.replayed > 3


@pytest.mark.parametrize("how", ["inputs", "omega", "costate", "weights"])
def test_it_stops_where_the_eager_learner_does(build: Build, how: str) -> None:
    """Before its weights move, in the same state."""
    credit = "costate" if how == "costate" else "eligibility"
    choice = [*ONLINE, "model=rnn", f"credit={credit}", "scenario=mom_a"]
    pair = [build(*choice), build(*choice, "engine=replay")]
    for one in pair:
        taken(one.hl, one.stream, 128 if how == "weights" else 70)
    sample, stops = next(pair[0].stream), []
    if how == "inputs":
        sample.inputs[...] = torch.nan
    for learner in (one.hl for one in pair):
        if how == "omega":
            learner.phase.omega[3] = torch.inf
        if how == "costate":
            learner.credit.neurons.bound.set(1e-30)
            learner.credit.neurons.costates[0][0].fill_(1e12)
        if how == "weights":
            learner.phase.theta[0] = 1e9  # at a tick at which the weights are looked at
        before = learner.phase.theta.clone()
        with pytest.raises((NonFinite, Unbounded, RunawayWeights)) as stop:
            for _ in range(3):
                learner.step(sample)
        assert torch.equal(before, learner.phase.theta)
        stops.append((type(stop.value), stop.value.args, learner.state_dict()))
    assert pair[1].hl.replayed > 60
    assert stops[0][:2] == stops[1][:2] and (how == "inputs" or same_bits(stops[0][2], stops[1][2]))


def test_a_sum_of_states_that_overflows_alone_makes_one_step(build: Build) -> None:
    """Without a target the states are looked at, and the eager learner goes on where each of them is finite."""
    choice = [*ONLINE, "model=diagonal", "credit=eligibility", "scenario=mom_a", "scenario.lr=1e-30"]
    pair = [build(*choice), build(*choice, "engine=replay")]
    for one in pair:
        taken(one.hl, one.stream, 8)
        for _ in range(4):
            one.hl.step(next(one.stream)._replace(target=None))
    sample = next(pair[0].stream)._replace(target=None)
    for one in pair:
        one.hl.credit.neurons.after = [(torch.full_like(one.hl.credit.neurons.after[0][0], 3e38),)]
        one.hl.step(sample)
    (state,) = pair[0].hl.credit.neurons.after[0]
    assert bool(state.isfinite().all()) and not bool(state.sum().isfinite())
    assert pair[1].hl.moves == pair[0].hl.moves == 13
    assert same_bits(pair[0].hl.state_dict(), pair[1].hl.state_dict())


def test_a_net_that_is_blind_to_its_inputs_is_replayed(build: Build) -> None:
    choice = ("scheme=forward", "stream=signal_school", "stream.lecture=20", "stream.ticks=20", "model=oscillators",
              "model.hidden=4", "model.readout=each", "scheme.reset=sample")  # fmt: skip
    eager, replay = build(*choice), build(*choice, "engine=replay")
    assert same_bits(taken(replay.hl, replay.stream, TICKS), taken(eager.hl, eager.stream, TICKS))
    assert replay.hl.replayed > 10 * TICKS and not replay.hl.eager_because
