"""Forward credit against a naive loop over its equations, against truncated BPTT, and the laws of its learner."""

from __future__ import annotations

import copy
from collections.abc import Callable
from itertools import islice
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from hl_cli.building import Comparison
from hl_cli.compare.differences import Differences
from hl_cli.compare.side_by_side import side_by_side
from hl_cli.compare.verdict import judge
from hl_cli.errors import BadInput, NonFinite
from hl_cli.schema import MODELS
from hl_cli.types import Sample
from tests import laws
from tests.integration.test_matrix import verdict_of

Build = Callable[..., Comparison]
STATE_NETS = [name for name in MODELS if name not in ("linear", "mlp", "cnn")]
RATES = dict.fromkeys(("rotation", "antisymmetric", "leapfrog", "complex_diagonal"), 5e-4)  # their states are large
RATES["diagonal"] = 1e-5
ORDERS = ["semi_implicit_euler", "explicit_euler"]
SMALL = ("scheme=forward", "stream=lorenz", "dtype=float64", "model.hidden=4")


def functions(net: Any, split: str) -> tuple[list[Callable[..., Any]], Callable[..., Tensor] | None]:
    """F_i(x, h) of each state block as PyTorch's own modules say it, each a tuple of state tensors, and f^y."""

    def of(cell: Any) -> Callable[..., Any]:
        def f(x: Tensor, h: list[Tensor]) -> tuple[Tensor, ...]:
            said = cell(x, h[0] if len(h) == 1 else tuple(h))
            return said if isinstance(said, tuple) else (said,)

        return f

    blocks = [of(cell) for cell in net.cells]
    if split == "state":
        return [*blocks, lambda x, h: (net.head(x),)], None
    return blocks, net.head


def textbook(built: Comparison, cfg: dict[str, Any], samples: list[Sample], explicit: bool, split: str) -> list[Tensor]:
    """One Euler step of h, z, omega, theta a tick, each sum as the equations write it; z is the physical costate."""
    net: Any = copy.deepcopy(built.pytorch).module
    c, s, eta_z, rise = built.physics, cfg["sign"], cfg["eta_z"], cfg["rise"]
    rate, tau = cfg["rate"] or 1 / c.tau, c.tau
    blocks, head = functions(net, split)
    params = list(net.parameters())
    omega = [torch.zeros_like(p) for p in params]
    h: list[list[Tensor]] = []
    x = samples[0].inputs[:, 0]
    for k, block in enumerate(blocks):  # at rest
        cell = net.cells[k] if k < len(net.cells) else None
        said = cell(x) if cell is not None else block(x, [])
        said = said if isinstance(said, tuple) else (said,)
        h.append([torch.zeros_like(part) for part in said])
        x = said[0].detach()
    z = [[torch.zeros_like(part) for part in parts] for parts in h]
    for tick, sample in enumerate(samples):
        phi = (c.phi_first if tick == 0 else c.phi) * (min(1.0, (tick + 1) / rise) if rise else 1.0)
        old = [[part.detach().requires_grad_() for part in parts] for parts in h]
        xs, candidates, x = [], [], sample.inputs[:, 0]
        new: list[list[Tensor]] = []
        for k, block in enumerate(blocks):
            xs.append(x.detach().requires_grad_())
            candidates.append(block(xs[-1], old[k]))
            new.append([(a + tau * rate * (f - a)).detach() for a, f in zip(old[k], candidates[-1], strict=True)])
            x = old[k][0] if explicit else new[k][0]
        top = x.detach().requires_grad_()
        y = top if head is None else head(top)
        loss = functional.mse_loss(y, sample.target)
        d_top = torch.autograd.grad(loss, top, retain_graph=True)[0]
        dtheta = [torch.zeros_like(p) for p in params]
        if head is not None:
            for k, g in enumerate(torch.autograd.grad(loss, params, allow_unused=True)):
                dtheta[k] = dtheta[k] if g is None else phi * g
        above = phi * d_top  # what reaches the first state tensor of a block from above
        later = [list(parts) for parts in z]
        for i in reversed(range(len(blocks))):
            own = [(f, part) for f, part in zip(candidates[i], z[i], strict=True)]
            pulled = torch.autograd.grad(
                sum((f * part).sum() for f, part in own), [*old[i], xs[i]], retain_graph=True, allow_unused=True,
                materialize_grads=True,
            )  # fmt: skip
            for k, part in enumerate(z[i]):
                dh = rate * pulled[k] - rate * part + (above if k == 0 else 0.0)
                later[i][k] = part - s * tau * dh - tau * eta_z * part
            seen = z[i] if explicit else later[i]
            along = sum((f * part).sum() for f, part in zip(candidates[i], seen, strict=True))
            got = torch.autograd.grad(along, [xs[i], *params], allow_unused=True, materialize_grads=True)
            above = rate * got[0]
            dtheta = [d + rate * g for d, g in zip(dtheta, got[1:], strict=True)]
        moved = [w - tau * c.eta * w - s * tau * d for w, d in zip(omega, dtheta, strict=True)]
        with torch.no_grad():
            for p, w in zip(params, omega if explicit else moved, strict=True):
                p.sub_(tau * c.beta * w)
        h, z, omega = new, later, moved
    return [p.detach() for p in params]


@pytest.mark.parametrize(("order", "split"), [(ORDERS[0], "state_output"), (ORDERS[1], "state")])
@pytest.mark.parametrize("model", STATE_NETS)
def test_a_thousand_ticks_are_those_of_the_equations(build: Build, model: str, order: str, split: str) -> None:
    """Neurons slower than the clock, both costates fade, phi changes; two layers of rnn, a hidden layer over gru."""
    own = {"eta_z": 0.3, "rate": 1.1, "sign": -1, "rise": 50}
    built = build(
        *SMALL, "stream.ticks=1", f"model={model}", f"split={split}", f"integrator={order}", "tau=0.5",
        f"model.layers={2 if model == 'rnn' else 1}", f"model.head={'[5]' if model == 'gru' else 'null'}",
        "scenario=custom", f"scenario.lr={RATES.get(model, 0.01)}", "scenario.momentum=0.6", "scenario.dampening=0.25",
        *(f"scheme.{key}={value}" for key, value in own.items()),
    )  # fmt: skip
    samples = list(islice(built.stream, 1000))
    expected = textbook(built, own, samples, order == "explicit_euler", split)
    for sample in samples:
        built.hl.step(sample)
    moved = 0.0
    for (name, found), wanted in zip(built.hl.weights().items(), expected, strict=True):
        assert float((found - wanted).abs().max()) <= 1e-13, name
        moved = max(moved, float((wanted - built.pytorch.weights()[name]).abs().max()))
    assert moved > 3e-4


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("sign", [-1, 1])
def test_the_plain_hamilton_equations_too(build: Build, sign: int, order: str) -> None:
    """A few ticks: forward in time these grow without bound."""
    own = {"eta_z": 0.0, "rate": None, "sign": sign, "rise": 0}
    built = build(
        *SMALL, "stream.ticks=1", "model=lstm", "split=state_output", f"integrator={order}", "tau=0.5",
        "scenario=gd_b", f"scheme.sign={sign}",
    )  # fmt: skip
    samples = list(islice(built.stream, 20))
    expected = textbook(built, own, samples, order == "explicit_euler", "state_output")
    for sample in samples:
        built.hl.step(sample)
    for found, wanted in zip(built.hl.weights().values(), expected, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(("scenario", "split"), [("gd_a", "state_output"), ("mom_b", "state")])
@pytest.mark.parametrize("model", STATE_NETS)
def test_identical_to_truncated_bptt_with_zeroed_costates(build: Build, model: str, split: str, scenario: str) -> None:
    """One tick a sample and many, two layers, float32."""
    slower = [f"scenario.lr={RATES[model]}"] if model in RATES else []
    for ticks, steps in ((1, 24), (5, 6)):
        built = build(
            "scheme=forward", "scheme.carry=false", "stream=mackey_glass", f"stream.ticks={ticks}",
            "stream.counts=every",
            f"model={model}", "model.layers=2", f"split={split}", f"scenario={scenario}", "pytorch.window=1",
            f"steps={steps}", "batch_size=2", *slower,
        )  # fmt: skip
        assert verdict_of(built) == "identical"


def test_living_costates_are_another_method(build: Build) -> None:
    """A check that cannot fail checks nothing."""
    built = build("scheme=forward", "stream=mackey_glass", "stream.ticks=1", "model=rnn", "pytorch.window=1", "steps=9")
    assert verdict_of(built) == "different" and "forward credit" in built.another_method


CASES = [
    ("model=rnn", "stream=lorenz", "stream.ticks=1"),
    ("model=lstm", "stream=digits_rows", "split=state", "scheme.reset=sample"),
    ("model=gru", "stream=lorenz", "stream.counts=every", "scheme.rate=0.5", "batch_size=3"),
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
def test_predicts_from_rest_and_learns_nothing(build: Build, overrides: tuple[str, ...]) -> None:
    """The prediction is what a learner that has just begun says, one sample after the other, before it learns."""
    still = build("scheme=forward", *overrides, "batch_size=1", "scenario=custom", "scenario.lr=1e-30")
    samples = list(islice(still.stream, 5))
    before = [w.clone() for w in still.hl.weights().values()]
    said = still.hl.predict(torch.cat([sample.inputs for sample in samples]))
    stepped = torch.cat([still.hl.step(sample).prediction for sample in samples])
    torch.testing.assert_close(said, stepped, rtol=1e-5, atol=1e-6)  # a product of five rows may sum otherwise
    assert torch.equal(still.hl.predict(torch.cat([sample.inputs for sample in samples])), said)
    assert all(torch.equal(a, b) for a, b in zip(before, still.hl.weights().values(), strict=True))


def test_time_goes_on_where_no_target_counts(build: Build) -> None:
    """Without a target neurons and costates move, and with momentum the weights do, too."""
    built = build("scheme=forward", "model=rnn", "stream=lorenz", "stream.ticks=1")
    first, second = islice(built.stream, 2)
    built.hl.step(first)
    state = built.hl.state_dict()
    record = built.hl.step(second._replace(target=None))
    now = built.hl.state_dict()
    assert record.loss is None and now["ticks"] == 2
    assert not torch.equal(state["theta"], now["theta"])
    for part in ("h", "zeta"):
        assert not torch.equal(state["neurons"][part][0][0], now["neurons"][part][0][0])


def test_physics_are_those_of_the_tick(build: Build) -> None:
    """H = phi L + z . (h' - h)/tau - (beta/2) |omega|^2 with the z of the tick, before omega moves."""
    built = build("scheme=forward", "model=rnn", "stream=lorenz", "stream.ticks=1", "dtype=float64", "tau=0.5")
    for sample in islice(built.stream, 7):
        omega = built.hl.state_dict()["omega"]
        before = built.hl.state_dict()["neurons"]["h"]
        record = built.hl.step(sample, observe=True)
    c, now = built.physics, built.hl.state_dict()["neurons"]
    z = now["zeta"][0][0] * c.tau * c.phi
    work = float((z * (now["h"][0][0] - before[0][0])).sum()) / c.tau
    kinetic = 0.5 * c.beta * float(omega.square().sum())
    assert record.physics and record.loss is not None
    assert record.physics.hamiltonian == pytest.approx(c.phi * record.loss + work - kinetic, rel=1e-12)
    assert record.physics.state_costate_norm == pytest.approx(float(z.norm()), rel=1e-12)


@pytest.mark.parametrize("overrides, said", [
    (("split=output", "model=rnn"), "split=output: nothing lives on from tick to tick; allowed: state, state_output"),
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
