"""The HL learner against a naive textbook HL written here, loop by loop, in float64, with autograd per formula.

The textbook knows nothing of flat buffers, tapes, scaled costates or memory modes: z is the physical costate.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from hl_cli.dynamics.accumulator import GradientAccumulator
from hl_cli.dynamics.equivalence import Coefficients
from hl_cli.learners.hamiltonian import HamiltonianLearner
from hl_cli.networks.blocks import ModuleBlock
from hl_cli.networks.feedforward import Dense
from hl_cli.networks.sequence import SequenceRun
from hl_cli.networks.splits import one_by_one, split_of
from hl_cli.types import Sample
from tests.rules import RULES

WIDTH, CLASSES, FEATURES = 5, 3, 4


class Leaky(nn.Module):
    """Two cells and a head, neurons with leak a: the same net for both."""

    def __init__(self, kind: Callable[..., nn.Module]) -> None:
        super().__init__()
        self.cells = nn.ModuleList([kind(FEATURES, WIDTH), kind(WIDTH, WIDTH)])
        self.head = nn.Linear(WIDTH, CLASSES)


def textbook(net: Leaky, c: Coefficients, explicit: bool, samples: list[Sample]) -> list[Tensor]:
    """h(1..T) forward, z(T..1) back, omega and theta by Euler; all sums as the equations write them."""
    params = list(net.parameters())
    omega = [torch.zeros_like(p) for p in params]
    rate = 1 / c.tau if c.rate is None else c.rate
    a = c.tau * rate
    for step, sample in enumerate(samples):
        phi = c.loss_weight(step)
        history: list[tuple[Tensor, list[Tensor], list[Tensor]]] = []
        h = [torch.zeros(len(sample.target), WIDTH, dtype=torch.float64) for _ in net.cells]
        for u in sample.inputs.unbind(1):
            old = [s.detach().requires_grad_() for s in h]
            x, new, candidates = u, [], []
            for cell, s in zip(net.cells, old, strict=True):
                f = cell(x, s)
                candidates.append(f)
                new.append(s + c.tau * rate * (f - s))
                x = new[-1]
            history.append((u, old, candidates))
            h = [s.detach() for s in new]
        top = h[-1].requires_grad_()
        loss = functional.cross_entropy(net.head(top), sample.target)
        dtop, *dhead = torch.autograd.grad(loss, [top, *net.head.parameters()])
        z = [torch.zeros_like(s) for s in h]
        z[-1] = z[-1] + c.tau * phi * dtop
        dtheta = [torch.zeros_like(p) for p in net.cells.parameters()]
        for u, old, _ in reversed(history):
            earlier: list[Tensor] = []
            from_above: Tensor | None = None
            for i in reversed(range(len(old))):
                total = z[i] if from_above is None else z[i] + from_above
                x = u if i == 0 else _shown(net, i - 1, u, old, a)
                x = x.detach().requires_grad_()
                f = net.cells[i](x, old[i])
                own = list(net.cells[i].parameters())
                got = torch.autograd.grad((total * rate * f).sum(), [x, old[i], *own])
                from_above = c.tau * got[0]
                earlier.insert(0, (1 - c.tau * rate) * total + c.tau * got[1])
                for k, g in enumerate(got[2:]):
                    dtheta[i * 4 + k] = dtheta[i * 4 + k] + c.tau * g
            z = earlier
        # z already holds tau phi dL/dh, so dtheta holds tau dH/dtheta of the state net
        drive = [*dtheta, *(c.tau * phi * g for g in dhead)]
        with torch.no_grad():
            new_omega = [(1 - c.tau * c.eta) * w + g for w, g in zip(omega, drive, strict=True)]
            for p, w in zip(params, omega if explicit else new_omega, strict=True):
                p.sub_(c.tau * c.beta * w)
            omega = new_omega
    return [p.detach() for p in params]


def _shown(net: Leaky, upto: int, u: Tensor, old: list[Tensor], a: float) -> Tensor:
    """What block `upto` shows at this tick."""
    x = u
    for i in range(upto + 1):
        x = old[i] + a * (net.cells[i](x, old[i]) - old[i])
    return x


@pytest.mark.parametrize("memory", ["store", "segments", "recompute"])
@pytest.mark.parametrize("leak", [1.0, 0.4])
@pytest.mark.parametrize("every", [False, True])
def test_every_leaky_block_remembers(every: bool, leak: float, memory: str) -> None:
    """Two layers without memory over a sequence, as state net: with a leak they keep part of what they showed."""
    torch.manual_seed(2)
    linears = [nn.Linear(FEATURES, WIDTH).double(), nn.Linear(WIDTH, CLASSES).double()]
    blocks = [Dense(linears[0], "tanh"), Dense(linears[1])]
    counted = 6 if every else 1
    inputs, zetas = torch.randn(3, 6, FEATURES).double(), torch.randn(counted, 3, CLASSES).double()
    h = [torch.zeros(3, WIDTH).double(), torch.zeros(3, CLASSES).double()]
    shown: list[Tensor] = []
    for u in inputs.unbind(1):
        h[0] = h[0] + leak * (linears[0](u).tanh() - h[0])
        h[1] = h[1] + leak * (linears[1](h[0]) - h[1])
        shown.append(h[1])
    parameters = [p for linear in linears for p in linear.parameters()]
    expected = torch.autograd.grad(shown[-counted:], parameters, list(zetas))
    drive = GradientAccumulator.of(*parameters)
    with torch.no_grad():
        neurons = SequenceRun(blocks, inputs.unbind(1), leak, every)
        torch.testing.assert_close(neurons.run(memory), shown[-counted:])
        neurons.vjp(list(zetas), drive)
    for p, wanted in zip(parameters, expected, strict=True):
        torch.testing.assert_close(drive[p], wanted)


@pytest.mark.parametrize("memory", ["store", "segments", "recompute"])
@pytest.mark.parametrize("order", ["semi_implicit_euler", "explicit_euler"])
@pytest.mark.parametrize("kind", [nn.RNNCell, nn.GRUCell])
@pytest.mark.parametrize("c", [
    Coefficients(0.5, 0.2, 0.6, 1.4, 2.0),
    Coefficients(0.1, 0.5, 3.0, 8.0, 8.0, rate=4.0),  # neurons slower than the clock: h keeps 0.6 of itself a tick
])  # fmt: skip
def test_learner_is_the_textbook(c: Coefficients, kind: Any, order: str, memory: str) -> None:
    torch.manual_seed(1)
    net = Leaky(kind).double()
    own = copy.deepcopy(net)
    split = split_of(own, state=[ModuleBlock(cell, WIDTH) for cell in own.cells], output=own.head, ticks=one_by_one)
    learner = HamiltonianLearner(split, functional.cross_entropy, c, RULES[order], memory=memory)
    samples = [
        Sample(torch.randn(3, 6, FEATURES, dtype=torch.float64), torch.randint(CLASSES, (3,))) for _ in range(12)
    ]
    for sample in samples:
        learner.step(sample)
    start = [p.detach().clone() for p in net.parameters()]
    expected = textbook(net, c, order == "explicit_euler", samples)
    moved = 0.0
    for found, wanted, before in zip(learner.weights().values(), expected, start, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-11, atol=1e-13)
        moved = max(moved, float((wanted - before).abs().max()))
    assert moved > 1e-3
