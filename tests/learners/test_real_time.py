"""Real-time recurrent learning against back-propagation through the whole past, and the laws of its learner."""

from __future__ import annotations

import copy
from collections.abc import Callable
from itertools import islice
from typing import Any

import pytest
import torch

from hl_cli.build import Comparison
from hl_cli.errors import BadInput, NonFinite
from hl_cli.networks.sensitivity import Stacked, Traces
from tests import laws
from tests.covering import long, one_in

Build = Callable[..., Comparison]
ONE_BY_ONE = ("stream=lorenz", "stream.ticks=1", "pytorch.credit=rtrl")
ELEMENTWISE = ("diagonal", "complex_diagonal", "rotation", "min_gru", "elementwise_lstm", "unicornn")
OTHERS = ("rnn", "gru", "lstm", "leaky_rnn", "leapfrog", "antisymmetric", "cornn")


@one_in(2)
@pytest.mark.parametrize(("model", "layers"), [*((m, 1) for m in (*ELEMENTWISE, *OTHERS)), ("rnn", 2), ("rotation", 2)])
def test_the_gradient_of_a_tick_is_that_of_the_whole_past(build: Build, model: str, layers: int) -> None:
    """Weights that rest, 60 ticks, float64; every tick asks, so the loop below keeps the graph of them all."""
    built = build(
        *ONE_BY_ONE, f"model={model}", f"model.layers={layers}", "model.hidden=5", "dtype=float64", "pytorch.lr=1e-300",
    )  # fmt: skip
    learner: Any = built.pytorch
    assert type(learner._sensitivity) is (Traces if model in ELEMENTWISE and layers == 1 else Stacked)
    net = copy.deepcopy(learner.module)
    states, ready = [None] * layers, net.ready()
    parameters = list(net.parameters())
    past = 0.0
    for sample in islice(built.stream, 60):
        x, states = net.tick(sample.inputs[:, 0], states, ready)
        loss = built.measure.loss(net.head(x), sample.target)  # type: ignore[arg-type]
        expected = torch.autograd.grad(loss, parameters, retain_graph=True)
        learner.step(sample)
        for p, g in zip(learner.module.parameters(), expected, strict=True):
            assert p.grad is not None
            torch.testing.assert_close(p.grad, g, rtol=1e-12, atol=1e-12)
    one = build(*ONE_BY_ONE[:2], "pytorch.window=1", f"model={model}", f"model.layers={layers}", "model.hidden=5",
                "dtype=float64", "pytorch.lr=1e-300")  # fmt: skip
    for sample in islice(one.stream, 60):
        one.pytorch.step(sample)
    for p, q in zip(learner.module.parameters(), one.pytorch.module.parameters(), strict=True):
        assert p.grad is not None and q.grad is not None
        past = max(past, float((p.grad - q.grad).abs().max()))
    assert past > 1e-4  # there is a past to be credited


def test_a_tick_without_a_target_is_lived_through(build: Build) -> None:
    """Its weights stay, and the next gradient reaches over it."""
    built = build(*ONE_BY_ONE, "model=rnn", "model.hidden=4", "dtype=float64", "pytorch.lr=1e-300")
    samples = list(islice(built.stream, 3))
    net: Any = copy.deepcopy(built.pytorch.module)
    states, ready = [None], net.ready()
    for sample in samples:
        x, states = net.tick(sample.inputs[:, 0], states, ready)
    loss = built.measure.loss(net.head(x), samples[2].target)  # type: ignore[arg-type]
    expected = torch.autograd.grad(loss, list(net.parameters()))
    for sample in (*(s._replace(target=None) for s in samples[:2]), samples[2]):
        built.pytorch.step(sample)
    for p, g in zip(built.pytorch.module.parameters(), expected, strict=True):
        torch.testing.assert_close(p.grad, g, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("overrides", [
    ("model=gru", "stream.ticks=1"),
    ("model=diagonal", "stream.ticks=4", "stream.targets=all"),
    ("model=complex_diagonal", "stream.ticks=3", "scheme=forward", "scheme.reset=sample"),
])  # fmt: skip
def test_goes_on_from_its_state_and_stops_on_what_is_not_finite(build: Build, overrides: tuple[str, ...]) -> None:
    def make() -> Comparison:
        return build("stream=lorenz", "pytorch.credit=rtrl", "pytorch.lr=1e-4", "model.hidden=6", *overrides)

    laws.learner_goes_on_from_its_state(lambda: make().pytorch, make().stream, 11)
    built = make()
    sample = next(built.stream)
    built.pytorch.step(sample)
    broken = sample._replace(inputs=torch.full_like(sample.inputs, torch.nan))
    laws.learner_stops_before_its_weights_change(built.pytorch, broken, NonFinite)


@pytest.mark.parametrize("overrides, said", [
    (("model=mlp",), "arms.pytorch.credit=rtrl: needs a recurrent net, and model=mlp is none; allowed: model="),
    (("model=rnn", "batch_size=2"), "batch_size=2: allowed with arms.pytorch.credit=rtrl: 1"),
    (("model=rnn", "pytorch.window=8"), "^arms.pytorch.window=8: allowed with arms.pytorch.credit=rtrl: null"),
    (("model=rnn", "model.hidden=200"), "200 states by 41000 weights are 8200000 numbers; allowed: up to 4194304, or"),
])  # fmt: skip
def test_bad_input(build: Build, overrides: tuple[str, ...], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        build(*ONE_BY_ONE, *overrides)


@long
def test_it_learns_what_a_window_of_one_cannot(build: Build) -> None:
    """Copy over 2 ticks: the last 500 of 4,000 ticks, RTRL by window 1."""
    errors = []
    for arm in ("pytorch.credit=rtrl", "pytorch.window=1"):
        built = build(
            "stream=recall", "stream.delay=2", "model=rnn", "model.hidden=8", "scenario=gd_a", "pytorch.lr=0.05", arm
        )
        losses = [built.pytorch.step(sample).loss for sample in islice(built.stream, 4000)]
        errors.append(sum(losses[-500:]) / 500)  # type: ignore[arg-type]
    assert errors[0] < 0.1 < errors[1]
