"""The learner of forward credit: against truncated BPTT, the laws of every learner, its physics, and when it stops."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

import pytest
import torch

from hl_cli.build import Comparison
from hl_cli.compare import metrics
from hl_cli.compare.differences import Differences
from hl_cli.compare.metrics import evaluate
from hl_cli.compare.side_by_side import side_by_side
from hl_cli.compare.verdict import judge
from hl_cli.errors import BadInput, NonFinite
from hl_cli.types import Sample
from tests import laws
from tests.covering import FULL
from tests.dynamics.test_forward import RATES, STATE_NETS
from tests.integration.test_matrix import verdict_of

Build = Callable[..., Comparison]


HOW = [("gd_a", "state_output"), ("mom_b", "state")]


@pytest.mark.parametrize(
    ("model", "scenario", "split"),
    [(model, *how) for k, model in enumerate(STATE_NETS) for how in (HOW if FULL else HOW[k % 2 :][:1])],
)
def test_identical_to_truncated_bptt_with_zeroed_costates(build: Build, model: str, split: str, scenario: str) -> None:
    """One tick a sample and many, two layers, float32."""
    slower = [f"scenario.lr={RATES[model]}"] if model in RATES else []
    for ticks, steps in ((1, 12), (5, 4)):
        built = build(
            "scheme=forward", "scheme.carry=false", "stream=mackey_glass", f"stream.ticks={ticks}",
            "stream.targets=all",
            f"model={model}", *(["model.layers=2"] if model != "oscillators" else []), f"split={split}",
            f"scenario={scenario}", "pytorch.window=1",
            f"steps={steps}", "batch_size=2", *slower,
        )  # fmt: skip
        assert verdict_of(built) == "identical"


def test_costates_that_are_carried_on_are_another_method(build: Build) -> None:
    """A check that cannot fail checks nothing."""
    built = build("scheme=forward", "stream=mackey_glass", "stream.ticks=1", "model=rnn", "pytorch.window=1", "steps=9")
    assert verdict_of(built) == "different" and "forward credit" in built.another_method


CASES = [
    ("model=rnn", "stream=lorenz", "stream.ticks=1"),
    ("model=lstm", "stream=digits_rows", "split=state", "scheme.reset=sample"),
    ("model=gru", "stream=lorenz", "stream.targets=all", "scheme.rate=0.5", "batch_size=3"),
    ("model=mlp", "stream=lorenz", "stream.ticks=1", "integrator=explicit_euler", "scheme.eta_z=0.5", "scheme.rise=9"),
]


@pytest.mark.parametrize("overrides", CASES)
def test_goes_on_from_its_state(build: Build, overrides: tuple[str, ...]) -> None:
    laws.learner_goes_on_from_its_state(
        lambda: build("scheme=forward", *overrides).hl, build("scheme=forward", *overrides).stream, 30
    )


@pytest.mark.parametrize("overrides", CASES)
def test_stops_on_what_is_not_finite(build: Build, overrides: tuple[str, ...]) -> None:
    built = build("scheme=forward", *overrides)
    sample = next(built.stream)
    built.hl.step(sample)
    broken = sample._replace(inputs=torch.full_like(sample.inputs, torch.nan))
    laws.learner_stops_before_its_weights_change(built.hl, broken, NonFinite)


@pytest.mark.parametrize("overrides", CASES)
@pytest.mark.parametrize("before", [0, 3])
def test_predicts_from_where_it_is_and_learns_nothing(build: Build, overrides: tuple[str, ...], before: int) -> None:
    """The prediction is what it says of the samples, one after the other, if its weights stay."""
    still = build("scheme=forward", *overrides, "batch_size=1", "scenario=custom", "scenario.lr=1e-30")
    for sample in islice(still.stream, before):
        still.hl.step(sample)
    samples = list(islice(still.stream, 5))
    weights = [w.clone() for w in still.hl.weights().values()]
    said = still.hl.predict(torch.cat([sample.inputs for sample in samples]))
    assert torch.equal(still.hl.predict(torch.cat([sample.inputs for sample in samples])), said)
    assert all(torch.equal(a, b) for a, b in zip(weights, still.hl.weights().values(), strict=True))
    stepped = torch.cat([still.hl.step(sample).prediction for sample in samples])
    torch.testing.assert_close(said, stepped, rtol=1e-5, atol=1e-6)  # a product of five rows may sum otherwise
    assert all(torch.equal(a, b) for a, b in zip(weights, still.hl.weights().values(), strict=True))


def test_held_out_samples_are_one_sequence_from_the_state_of_the_last_row(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut into parts they would each begin where the net is; a batch has a row of neurons for each of its samples."""
    choice = ("scheme=forward", "model=rnn", "stream=lorenz", "stream.ticks=1", "stream.held_out=40", "batch_size=3")
    built = build(*choice, "pytorch.window=2")
    for sample in islice(built.stream, 5):
        built.hl.step(sample)
        built.pytorch.step(sample)
    held_out = built.stream.held_out()
    whole = [evaluate(learner, held_out, built.measure) for learner in built.learners]
    monkeypatch.setattr(metrics, "EVALUATED", 10)
    assert [evaluate(learner, held_out, built.measure) for learner in built.learners] == whole
    cells, h = built.pytorch.module, [state[-1:] for state in built.pytorch._states]
    with torch.no_grad():
        for k, u in enumerate(held_out.inputs):
            x, h = cells.tick(u, h, cells.ready())
            assert torch.equal(cells.head(x)[0], built.pytorch.predict(held_out.inputs)[k])
    assert "held-out scores are of frozen weights" in built.note
    assert "held-out scores" not in build("model=rnn", "stream=digits_rows").note


def test_time_goes_on_where_no_target_counts(build: Build) -> None:
    """Without a target neurons and costates move, and with momentum the weights do, too."""
    built = build("scheme=forward", "model=rnn", "stream=lorenz", "stream.ticks=1")
    first, second = islice(built.stream, 2)
    built.hl.step(first)
    state, weights = built.hl.state_dict()["credit"], [w.clone() for w in built.hl.weights().values()]
    record = built.hl.step(second._replace(target=None))
    now = built.hl.state_dict()["credit"]
    assert record.loss is None and now["ticks"] == 2
    assert not all(torch.equal(a, b) for a, b in zip(weights, built.hl.weights().values(), strict=True))
    for part in ("h", "zeta"):
        assert not torch.equal(state["neurons"][part][0][0], now["neurons"][part][0][0])


def test_physics_are_those_of_the_tick(build: Build) -> None:
    """H = phi L + z . (h' - h)/tau - (beta/2) |omega|^2 with the z of the tick, before omega moves."""
    built = build("scheme=forward", "model=rnn", "stream=lorenz", "stream.ticks=1", "dtype=float64", "tau=0.5")
    for sample in islice(built.stream, 7):
        state = built.hl.state_dict()
        omega, before = state["omega"].values(), state["credit"]["neurons"]["h"]
        record = built.hl.step(sample, observe=True)
    c, now = built.physics, built.hl.state_dict()["credit"]["neurons"]
    z = now["zeta"][0][0] * c.tau * c.phi
    work = float((z * (now["h"][0][0] - before[0][0])).sum()) / c.tau
    kinetic = 0.5 * c.beta * sum(float(part.square().sum()) for part in omega)
    assert record.physics and record.loss is not None
    assert record.physics.hamiltonian == pytest.approx(c.phi * record.loss + work - kinetic, rel=1e-12)
    assert record.physics.state_costate_norm == pytest.approx(float(z.norm()), rel=1e-12)


@pytest.mark.parametrize("overrides, said", [
    (("split=output", "model=rnn"), "no state is carried from tick to tick; allowed: state, state_output"),
    (("model=rnn", "scheme.rate=3"), r"scheme.rate=3.0 \(tau=1\): allowed: up to 1/tau, 1"),
    (("model=rnn", "scheme.sign=0"), "scheme.sign=0: allowed: -1, 1"),
    (("model=rnn", "scenario=custom", "scenario.beta=1", "scenario.phi=0"), "scenario.phi=0"),
])  # fmt: skip
def test_bad_input(build: Build, overrides: tuple[str, ...], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        build("scheme=forward", *overrides)


def test_costates_without_bound_stop_the_learner_and_say_what_helps(build: Build) -> None:
    """The plain Hamilton equations, forward in time; and the same run with the flip goes on."""
    choice = ("scheme=forward", "model=rnn", "stream=sine", "stream.ticks=1", "scenario=custom", "pytorch.window=1")
    choice += ("scenario.lr=0.001",)
    built = build(*choice, "scheme.sign=1", "steps=60")
    differences = Differences(built.hl.weights(), built.pytorch.weights())
    records = list(side_by_side(built.stream, built.hl, built.pytorch, built.measure, built.schedule, differences))
    (stop,) = (d for r in records for d in r.diverged)
    assert (stop.learner, stop.quantity) == ("hl", "neuron costate") and 10 < stop.step < 60
    verdict = judge(None, {}, [stop], 1.0, lambda steps: {})
    assert verdict.word == "diverged" and "grows without bound (tau = 1); try a larger scheme.eta_z" in verdict.reason
    assert all(bool(torch.isfinite(w).all()) for w in built.hl.weights().values())
    flipped = build(*choice)
    for sample in islice(flipped.stream, 60):
        flipped.hl.step(sample)


def test_each_row_has_its_own_neurons(build: Build) -> None:
    built = build("scheme=forward", "model=rnn", "stream=lorenz", "batch_size=2")
    sample = next(built.stream)
    built.hl.step(sample)
    with pytest.raises(BadInput, match="a batch of 1 after 2"):
        built.hl.step(Sample(sample.inputs[:1], sample.target[:1]))  # type: ignore[index]
