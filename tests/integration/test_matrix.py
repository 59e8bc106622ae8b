"""HL equals PyTorch bit for bit: streams, models, splits, scenarios, dtypes, batches and taus.

Of each table, cases in which every pair of values occurs; all of them with HL_TESTS=full.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hl_cli.build import Comparison
from hl_cli.compare.differences import Differences
from hl_cli.compare.side_by_side import side_by_side
from hl_cli.compare.verdict import judge, noise_floor
from hl_cli.config import MODELS
from hl_cli.types import Sample
from tests.cells import INVERTIBLE
from tests.covering import FULL, covering, one_in

Build = Callable[..., Comparison]
STREAMS = ["digits", "digits_rows", "digits_pixels", "iris", "wine", "breast_cancer"]
SPLITS = {name: ["output", "state"] if name == "linear" else ["output", "state", "state_output"] for name in MODELS}
OF_IMAGES = ("digits", "digits_rows", "digits_pixels")
WITHOUT_MEMORY = ("linear", "mlp", "cnn")
EVERYWHERE = (*WITHOUT_MEMORY, "rnn", "gru", "lstm")  # the other state nets on two tables
SCENARIOS = ["gd_a", "gd_b", "mom_a", "mom_b"]
STEPS = 12


def few(sample: Sample, count: int = 20) -> Sample:
    """The first of the held-out samples; weights are compared here, and scores elsewhere."""
    assert sample.target is not None
    rows = count * (len(sample.target) // len(sample.inputs))
    baseline = None if sample.baseline is None else sample.baseline[:rows]
    return Sample(sample.inputs[:count], sample.target[:rows], baseline)


def verdict_of(built: Comparison) -> str:
    held_out = few(built.stream.held_out())
    built.stream.held_out = lambda: held_out  # type: ignore[method-assign]
    differences = Differences(built.hl.weights(), built.pytorch.weights())
    start = {name: w.clone() for name, w in built.pytorch.weights().items()}
    records = list(side_by_side(built.stream, built.hl, built.pytorch, built.measure, built.schedule, differences))
    assert any(not torch.equal(w, start[name]) for name, w in built.pytorch.weights().items())
    apart = {r.step: r.distance.max_abs for r in records if r.distance}
    return judge(
        differences.first_step,
        apart,
        [d for r in records for d in r.diverged],
        built.physics.tau,
        lambda steps: noise_floor(built.fresh_stream(), built.fresh_pytorch, steps, 0),
    ).word


def steps_for(stream: str, model: str) -> int:
    """Fewer where a step is long: 64 ticks of a recurrent net."""
    return 4 if stream == "digits_pixels" and model not in WITHOUT_MEMORY else STEPS


RUNS = [*product(SCENARIOS, ((1, 1.0), (32, 1.0), (1, 0.5), (32, 2.0)))]
"""Scenario, and batch size and tau: tau 1 with the sizes of the configs, the others with odd sizes."""
ODD = {"linear": [], "mlp": ["model.hidden=[7]"], "cnn": ["model.channels=[3]"], "ring_rnn": ["model.hidden=6"]}
CASES = covering(
    (stream, model, split, dtype)
    for stream in STREAMS
    for model, splits in SPLITS.items()
    for split in splits
    for dtype in ("float32", "float64")
    if model in EVERYWHERE or (stream in ("digits_rows", "iris") and model != "oscillators")  # tests/networks has it
    if model != "cnn" or stream in OF_IMAGES
)


@one_in(2)
@pytest.mark.parametrize("case", [*enumerate(CASES)], ids=lambda case: "-".join(case[1]))
def test_identical(build: Build, case: tuple[int, tuple[str, ...]]) -> None:
    """Each case has its share of the runs, by turns."""
    turn, (stream, model, split, dtype) = case
    odd = ODD.get(model, ["model.hidden=7"])
    choice = [f"stream={stream}", f"model={model}", f"split={split}", f"dtype={dtype}"]
    share = [run for k, run in enumerate(RUNS) if FULL or (k // 4 + k) % 4 == turn % 4]  # a row of a Latin square
    for scenario, (batch, tau) in share:
        size, steps = ([], steps_for(stream, model)) if tau == 1.0 else (odd, 4)
        built = build(*choice, *size, f"scenario={scenario}", f"batch_size={batch}", f"tau={tau}", f"steps={steps}")
        assert verdict_of(built) == "identical", (scenario, batch, tau)


@settings(max_examples=400 if FULL else 30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_identical_wherever_one_looks(build: Build, data: st.DataObject) -> None:
    """Choices, sizes, depths, coefficients and seeds drawn at random, tau a power of two."""
    model = data.draw(st.sampled_from(list(MODELS)))
    streams = OF_IMAGES if model == "cnn" else [s for s in STREAMS if s != "digits_pixels"]
    overrides = [
        f"model={model}",
        f"split={data.draw(st.sampled_from(SPLITS[model]))}",
        f"stream={data.draw(st.sampled_from(streams))}",
        f"dtype={data.draw(st.sampled_from(['float32', 'float64']))}",
        f"checkpointing={data.draw(st.sampled_from(['store', 'segments', 'recompute']))}",
        f"tau={data.draw(st.sampled_from([0.25, 0.5, 1.0, 2.0, 4.0]))}",
        f"seed={data.draw(st.integers(0, 2**32 - 1))}",
        f"batch_size={data.draw(st.integers(1, 40))}",
        "scenario=custom",
        f"scenario.lr={data.draw(st.floats(1e-4, 0.2))}",
        f"scenario.momentum={data.draw(st.one_of(st.just(0.0), st.floats(0.5, 0.95)))}",  # there 1 - mu is exact
        f"scenario.dampening={data.draw(st.sampled_from([0.0, 0.25, 0.3, 0.5]))}",
        f"scenario.weight_decay={data.draw(st.sampled_from([0.0, 0.01]))}",
        "steps=8",
    ]
    if model == "mlp":
        overrides.append(f"model.hidden={data.draw(st.lists(st.integers(1, 40), min_size=1, max_size=3))}")
        overrides.append(f"model.activation={data.draw(st.sampled_from(['tanh', 'relu']))}")
    elif model == "cnn":
        overrides.append(f"model.channels={data.draw(st.lists(st.integers(1, 12), min_size=1, max_size=3))}")
        overrides.append(f"model.activation={data.draw(st.sampled_from(['tanh', 'relu']))}")
    elif model not in WITHOUT_MEMORY:
        overrides.append(f"model.hidden={data.draw(st.integers(1, 20)) * (2 if model == 'ring_rnn' else 1)}")
        overrides += [] if model == "oscillators" else [f"model.layers={data.draw(st.integers(1, 3))}"]
        overrides.append(f"model.head={data.draw(st.sampled_from(['null', '[5]', '[7,3]']))}")
    assert verdict_of(build(*overrides)) == "identical", overrides


@pytest.mark.parametrize(
    ("tau", "scenario", "model", "split", "dtype"),
    covering(
        (tau, scenario, *net, dtype)
        for tau in (0.1, 0.3)
        for scenario in SCENARIOS
        for net in (("mlp", "state_output"), ("lstm", "state"), ("gru", "output"))
        for dtype in ("float32", "float64")
    ),
)
def test_a_tau_that_rounds_is_round_off_or_better(
    build: Build, tau: float, scenario: str, model: str, split: str, dtype: str
) -> None:
    stream = "digits" if model == "mlp" else "digits_rows"
    built = build(
        f"tau={tau}", f"scenario={scenario}", f"model={model}", f"split={split}", f"dtype={dtype}",
        f"stream={stream}", "steps=100", "log_every=5",
    )  # fmt: skip
    assert verdict_of(built) in ("identical", "round_off")


@one_in(2)
@pytest.mark.parametrize(
    ("model", "split", "dtype"),
    covering(product(INVERTIBLE, ("state", "state_output"), ("float32", "float64"))),
)
def test_rebuilt_states_are_round_off_or_better(build: Build, model: str, split: str, dtype: str) -> None:
    """The noise floor covers what states rebuilt over 64 ticks, with anchors or none, drift."""
    for anchor_every, layers, stream in ((0, 1, "digits_pixels"), (10, 2, "digits_pixels"), (100, 1, "digits_rows")):
        built = build(
            f"model={model}", f"split={split}", f"dtype={dtype}", f"stream={stream}", f"model.layers={layers}",
            "model.hidden=16", "checkpointing=reverse", f"anchor_every={anchor_every}",
            "scenario=gd_b", "scenario.lr=0.001", "steps=8", "log_every=4",
        )  # fmt: skip
        assert verdict_of(built) in ("identical", "round_off"), (anchor_every, layers, stream)
        assert built.hl.drift is not None and 0 < built.hl.drift < (1e-3 if dtype == "float32" else 1e-12)


@one_in(2)
@pytest.mark.parametrize(
    ("model", "split", "scenario", "dtype"),
    covering(
        (model, split, scenario, dtype)
        for model, splits in SPLITS.items()
        for split in splits
        for scenario in ("mom_a", "mom_b")
        for dtype in ("float32", "float64")
    ),
)
def test_explicit_order_is_different(build: Build, model: str, split: str, scenario: str, dtype: str) -> None:
    """A check that cannot fail checks nothing."""
    stream = "digits" if model in WITHOUT_MEMORY else "digits_rows"
    built = build(
        f"model={model}", f"split={split}", f"scenario={scenario}", f"dtype={dtype}", f"stream={stream}",
        "integrator=explicit_euler", "steps=10",
    )  # fmt: skip
    assert verdict_of(built) == "different"
