"""Forward credit against a naive loop over its equations."""

from __future__ import annotations

import copy
from collections.abc import Callable
from itertools import islice
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from hl_cli.build import Comparison
from hl_cli.config import MODELS
from hl_cli.networks.cell import Cell
from hl_cli.types import Sample
from tests.covering import FULL, one_in

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
        rest = cell.initial_state(x) if isinstance(cell, Cell) else [torch.zeros_like(part) for part in said]
        h.append(list(rest))
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


@one_in(5)
@pytest.mark.parametrize(("order", "split"), [(ORDERS[0], "state_output"), (ORDERS[1], "state")])
@pytest.mark.parametrize("model", STATE_NETS)
def test_many_ticks_are_those_of_the_equations(build: Build, model: str, order: str, split: str) -> None:
    """Slow neurons, dissipation of both costates, a phi that changes; rnn has two layers, gru an MLP over it."""
    own = {"eta_z": 0.3, "rate": 1.1, "sign": -1, "rise": 50}
    built = build(
        *SMALL, "stream.ticks=1", f"model={model}", f"split={split}", f"integrator={order}", "tau=0.5",
        *(["model.layers=2"] if model == "rnn" else []), f"model.head={'[5]' if model == 'gru' else 'null'}",
        "scenario=custom", "scenario.momentum=0.6",
        f"scenario.lr={RATES.get(model, 0.01)}",
        "scenario.dampening=0.25",
        *(f"scheme.{key}={value}" for key, value in own.items()),
    )  # fmt: skip
    samples = list(islice(built.stream, 1000 if FULL else 250))
    expected = textbook(built, own, samples, order == "explicit_euler", split)
    for sample in samples:
        built.hl.step(sample)
    moved = 0.0
    for (name, found), wanted in zip(built.hl.weights().items(), expected, strict=True):
        assert float((found - wanted).abs().max()) <= 1e-13, name
        moved = max(moved, float((wanted - built.pytorch.weights()[name]).abs().max()))
    assert moved > (3e-4 if FULL else 5e-5)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("sign", [-1, 1])
def test_the_plain_hamilton_equations_too(build: Build, sign: int, order: str) -> None:
    """A few ticks: forward in time these grow without bound, and any rounding with them."""
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
        torch.testing.assert_close(found, wanted, rtol=1e-10, atol=1e-11)
