"""Credit that reaches back: eligibility and exact against back-propagation, recurrent learning in real time, theory."""

from __future__ import annotations

import copy
from collections.abc import Callable
from itertools import islice
from typing import Any

import pytest
import torch
from torch import Tensor

from hl_cli.build import Comparison
from hl_cli.networks.blocks import Block
from hl_cli.networks.recurrent import GRUCell, TanhCell
from hl_cli.networks.units import Local

Build = Callable[..., Comparison]
SEPARABLE = ("diagonal", "complex_diagonal", "rotation", "elementwise_lstm", "trace_units", "min_gru", "unicornn")
LIVING = ("scheme=forward", "stream=lorenz", "stream.ticks=1", "dtype=float64", "model.hidden=5")
RTRL = ("arms.pytorch.credit=rtrl",)
STILL = ("scenario=custom", "scenario.lr=1e-300")
TICKS = 40


def drives(hl: Any, samples: list[Any]) -> list[Tensor]:
    """What the rule was given in each tick, summed, weight by weight."""
    total: list[Tensor] = []
    for sample in samples:
        with torch.no_grad():
            for _ in hl.credit.periods(sample):
                hl.phase.finish()
                now = [hl.phase.views(hl.phase.flat_drive)[p].clone() for p in hl.split.module.parameters()]
                total = [a + b for a, b in zip(total, now, strict=True)] if total else now
    return total


def through_time(built: Comparison, samples: list[Any]) -> list[Tensor]:
    """The gradient of the sum of all losses by back-propagation over all ticks."""
    net: Any = copy.deepcopy(built.hl.split.module)
    states, ready, losses = [None] * len(net.cells), net.ready(), []
    for sample in samples:
        x, states = net.tick(sample.inputs[:, 0], states, ready)
        losses.append(built.measure.loss(net.head(x), sample.target))
    return list(torch.autograd.grad(sum(losses), list(net.parameters())))  # type: ignore[arg-type]


def close(found: list[Tensor], wanted: list[Tensor], rtol: float) -> None:
    largest = max(float(w.abs().max()) for w in wanted)
    for a, b in zip(found, wanted, strict=True):
        assert float((a - b).abs().max()) <= rtol * largest


@pytest.mark.parametrize(
    ("credit", "model", "more"),
    [
        *(("eligibility", model, ()) for model in SEPARABLE),
        ("eligibility", "ring_rnn", ("model.hidden=6",)),  # its pairs do not see one another at first
        ("eligibility", "diagonal", ("batch_size=3", "split=state")),
        ("exact", "gru", ("model.layers=2", "split=state")),
    ],
)
def test_drives_sum_to_back_propagation_over_all_ticks(
    build: Build, credit: str, model: str, more: tuple[str, ...]
) -> None:
    """Weights that rest, 40 ticks."""
    built = build(*LIVING, f"credit={credit}", f"model={model}", *STILL, *more)
    samples = list(islice(built.stream, TICKS))
    close(drives(built.hl, samples), through_time(built, samples), 1e-10)


@pytest.mark.parametrize("options", [("model.squash=true", "model.skip=true"), ()])
def test_a_stack_is_exact_in_its_top_layer(build: Build, options: tuple[str, ...]) -> None:
    """Of two layers of trace units: the second, and the head, which sees both where the second passes on the first."""
    built = build(*LIVING, "credit=eligibility", "model=trace_units", "model.layers=2", *STILL, *options)
    samples = list(islice(built.stream, TICKS))
    found, wanted = drives(built.hl, samples), through_time(built, samples)
    names = list(built.hl.weights())
    for name, a, b in zip(names, found, wanted, strict=True):
        gap = float((a - b).abs().max() / b.abs().max())
        assert gap > 1e-3 if name.startswith("cells.0") else gap < 1e-10, name
    assert built.hl.weights()["head.weight"].shape[1] == (20 if options else 10)


@pytest.mark.parametrize("model", ["rnn", "gru", "lstm", "leaky_rnn"])
def test_where_units_see_one_another_it_is_between(build: Build, model: str) -> None:
    """Nearer to the gradient than one tick is, and not the gradient."""
    built, one = (build(*LIVING, c, f"model={model}", *STILL) for c in ("credit=eligibility", "scheme.carry=false"))
    samples = list(islice(built.stream, TICKS))
    wanted = torch.cat([g.flatten() for g in through_time(built, samples)])
    gaps = [float((torch.cat([g.flatten() for g in drives(b.hl, samples)]) - wanted).norm()) for b in (built, one)]
    assert 1e-6 < gaps[0] < gaps[1]


@pytest.mark.parametrize(
    ("credit", "model", "scenario"),
    [*(("eligibility", m, ("gd_a", "mom_b")[k % 2]) for k, m in enumerate(SEPARABLE)), ("exact", "rnn", "mom_b")],
)
def test_trained_it_is_real_time_recurrent_learning(build: Build, credit: str, model: str, scenario: str) -> None:
    """The arm of PyTorch keeps the derivative as this does; weights move at every tick."""
    built = build(
        *LIVING, f"credit={credit}", f"model={model}", f"scenario={scenario}", "scenario.lr=1e-4", *RTRL,
        "model.hidden=4",
    )  # fmt: skip
    start = [w.clone() for w in built.hl.weights().values()]
    for sample in islice(built.stream, 60):
        built.hl.step(sample)
        built.pytorch.step(sample)
    pairs = list(zip(built.hl.weights().values(), built.pytorch.weights().values(), start, strict=True))
    assert max(float((a - b).abs().max()) for a, b, _ in pairs) < 1e-12
    assert max(float((a - c).abs().max()) for a, _, c in pairs) > 1e-4


@pytest.mark.parametrize("model", ["rnn", "gru"])
def test_without_what_is_carried_it_is_one_tick(build: Build, model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """D = 0: the bits of truncated BPTT over one tick."""
    for cell in (TanhCell, GRUCell):
        said: Any = cell.local

        def forgetful(self: Block, tape: Any, said: Any = said) -> Local:
            own, direct = said(self, tape)
            return Local(tuple(map(torch.zeros_like, own)), direct)

        monkeypatch.setattr(cell, "local", forgetful)
    more = ("dtype=float32", "arms.pytorch.window=1", f"model={model}", "scenario=mom_b", "model.layers=2")
    built = build(*LIVING, "credit=eligibility", *more)
    for sample in islice(built.stream, TICKS):
        built.hl.step(sample)
        built.pytorch.step(sample)
    for mine, other in zip(built.hl.weights().values(), built.pytorch.weights().values(), strict=True):
        assert torch.equal(mine, other)


@pytest.mark.parametrize("model", ["rnn", "gru"])
def test_what_it_leaves_out_crosses_units_and_comes_later(build: Build, model: str) -> None:
    """The splitting identity: gradient = sum_t [l_t s_t + (O_t^T lam_t) s_{t-1}], O = A - D, lam the full adjoint."""
    built = build(*LIVING, "credit=eligibility", f"model={model}", *STILL)
    samples = list(islice(built.stream, TICKS))
    net: Any = copy.deepcopy(built.hl.split.module)
    cell, states, losses = net.cells[0], [torch.zeros(1, 5, dtype=torch.float64, requires_grad=True)], []
    for sample in samples:
        states.append(cell(sample.inputs[:, 0], states[-1]))
        losses.append(built.measure.loss(net.head(states[-1]), sample.target))
    total: Tensor = sum(losses)  # type: ignore[assignment]
    lam = torch.autograd.grad(total, states, retain_graph=True)
    whole = torch.autograd.grad(total, list(cell.parameters()), retain_graph=True)
    credit: Any = built.hl.credit
    left: Any = [torch.zeros_like(g) for g in whole]
    with torch.no_grad():
        for t, sample in enumerate(samples, 1):
            chain = credit.neurons
            s = chain.traces[0]
            chain.tick(sample.inputs[:, 0])
            own = chain.blocks[0].local(chain._tapes[0]).own[0][0]
            chain.vjp(None, built.hl.phase.drive)
            with torch.enable_grad():
                past = states[t - 1].detach().requires_grad_()
                pulled = torch.autograd.grad(cell(sample.inputs[:, 0], past), past, lam[t])[0]
            if s is not None:
                crossing = (pulled - own * lam[t],)
                built.hl.phase.drive.start()
                chain.lanes[0].add(crossing, s, built.hl.phase.drive)
                left = [a + built.hl.phase.drive[p] for a, p in zip(left, chain.blocks[0].parameters, strict=True)]
    fresh = build(*LIVING, "credit=eligibility", f"model={model}", *STILL)
    of_cells = dict(zip(fresh.hl.split.module.parameters(), drives(fresh.hl, samples), strict=True))
    found = [of_cells[p] + b for p, b in zip(fresh.hl.split.module.cells.parameters(), left, strict=True)]
    close(found, list(whole), 1e-13)
    assert max(float(b.abs().max()) for b in left) > 1e-3


@pytest.mark.parametrize(("credit", "model"), [("eligibility", "elementwise_lstm"), ("exact", "lstm")])
def test_against_finite_differences(build: Build, credit: str, model: str) -> None:
    """Central differences of the sum of all losses, over a random direction."""
    built = build(*LIVING, f"credit={credit}", f"model={model}", *STILL)
    samples = list(islice(built.stream, TICKS))
    found = drives(built.hl, samples)
    torch.manual_seed(0)
    way = [torch.randn_like(g) for g in found]

    def total(step: float) -> float:
        net: Any = copy.deepcopy(built.hl.split.module)
        with torch.no_grad():
            for p, v in zip(net.parameters(), way, strict=True):
                p.add_(v, alpha=step)
            states, ready, loss = [None], net.ready(), 0.0
            for sample in samples:
                x, states = net.tick(sample.inputs[:, 0], states, ready)
                loss += float(built.measure.loss(net.head(x), sample.target))
        return loss

    slope = (total(1e-5) - total(-1e-5)) / 2e-5
    assert slope == pytest.approx(sum(float((g * v).sum()) for g, v in zip(found, way, strict=True)), rel=1e-7)


@pytest.mark.parametrize("rate", [None, 0.6])
@pytest.mark.parametrize(("credit", "model"), [("eligibility", "complex_diagonal"), ("exact", "rnn")])
def test_the_explicit_order_sees_what_was(build: Build, credit: str, model: str, rate: float | None) -> None:
    """g_t is the gradient of the loss at the old state, h(t - 1); slow neurons, too."""
    built = build(
        *LIVING, f"credit={credit}", f"model={model}", "integrator=explicit_euler", *STILL,
        f"scheme.rate={'null' if rate is None else rate}",
    )  # fmt: skip
    samples = list(islice(built.stream, TICKS))
    found = drives(built.hl, samples)
    net: Any = copy.deepcopy(built.hl.split.module)
    cell, losses, leak = net.cells[0], [], rate or 1.0
    h: Any = None
    for sample in samples:
        u = sample.inputs[:, 0]
        new = cell(u, h)
        parts = new if isinstance(new, tuple) else (new,)
        old = tuple(torch.zeros_like(p) for p in parts) if h is None else (h if isinstance(h, tuple) else (h,))
        losses.append(built.measure.loss(net.head(old[0]), sample.target))
        h = tuple(torch.lerp(a, b, leak) for a, b in zip(old, parts, strict=True))
        h = h if isinstance(new, tuple) else h[0]
    close(found, list(torch.autograd.grad(sum(losses), list(net.parameters()))), 1e-10)  # type: ignore[arg-type]
