r"""Which gradient an arm gives its weights, and which one is exact, while the weights rest.

Over n samples with the losses L_1 ... L_n, from a net at rest and at fixed weights theta:

    exact    dL/dtheta of L = (1/n) sum_t L_t, by back-propagation through all ticks
    arm      what its update rule is given, in the same units: forward costates, a truncated window, ...

    cosine      <arm, exact> / (|arm| |exact|)        1: the direction of the gradient; 0: none of it
    norm ratio  |arm| / |exact|                       1: of the same size

The update rule of a copy of the arm (HL's, or an optimizer of torch) is replaced by one that only adds up. A window of
truncated back-propagation that is still open after the last sample has given nothing yet.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from hl_cli.dynamics.equivalence import Coefficients
from hl_cli.dynamics.rules.base import Update, UpdateRule, Weights
from hl_cli.errors import NonFinite
from hl_cli.networks.losses import Loss
from hl_cli.networks.recurrent import Recurrent, States
from hl_cli.networks.sequence import parted
from hl_cli.streams import chance
from hl_cli.types import Sample

Gradient = dict[str, Tensor]
ALL, STATE = "all", "state net"  # rows over several tensors


def net_of(learner: Any) -> nn.Module | None:
    """The net of a learner, where it has one."""
    return learner.split.module if hasattr(learner, "split") else getattr(learner, "module", None)


class _Sum(UpdateRule):
    """In the place of HL's update rule: adds up the drives, moves nothing. newest: as the rule that it stands for."""

    name, order = "sum", 1

    def __init__(self, newest: bool) -> None:
        self.newest, self.updates = newest, 0  # type: ignore[misc]
        self.total: Tensor | None = None

    def advance(self, weights: Weights, c: Coefficients, phi: float, first: float) -> Update:
        """Take the drive; phi is below zero where the sign of the costates is turned."""
        g = weights.flat_drive * math.copysign(1.0, phi)
        self.total = g if self.total is None else self.total + g
        self.updates += 1
        return []


class _SumInOptimizer:
    """In the place of an optimizer of torch: adds up the gradients of summed losses and moves nothing."""

    def __init__(self, parameters: Sequence[Tensor], loss: Loss) -> None:
        self._parameters, self._loss = parameters, loss
        self.total: list[Tensor] | None = None
        self.waiting = self.losses = 0

    def loss(self, y: Tensor, target: Tensor) -> Tensor:
        """The loss of the arm, counted: a gradient is that of the mean over the losses since the last step."""
        self.waiting += 1
        return self._loss(y, target)

    def zero_grad(self) -> None:
        """As torch does."""
        for p in self._parameters:
            p.grad = None

    def step(self) -> None:
        """In the place of Optimizer.step."""
        new = [torch.zeros_like(p) if p.grad is None else p.grad * self.waiting for p in self._parameters]
        self.total = new if self.total is None else [a + b for a, b in zip(self.total, new, strict=True)]
        self.losses += self.waiting
        self.waiting = 0


def arm_gradient(learner: Any, samples: Sequence[Sample]) -> Gradient | None:
    """The mean gradient that a learner gives its update rule over some samples; None where it has given none.

    learner: a new one, at rest, which is used up.
    """
    learner.clip = None
    module: Any = net_of(learner)
    named = {name: p for name, p in module.named_parameters() if p.requires_grad}
    if hasattr(learner, "rule"):
        rule = learner.rule = _Sum(learner.rule.newest)
        _through(learner, samples)
        if rule.total is None:
            return None
        losses = min(rule.updates, sum(_losses(sample, module.every) for sample in samples))
        views = learner.phase.views(rule.total)
        return {name: views[p] / max(losses, 1) for name, p in named.items()}
    sums = learner.optimizer = _SumInOptimizer([*named.values()], learner.loss)
    learner.loss, learner.rates = sums.loss, None
    _through(learner, samples)
    return None if sums.total is None else {n: g / sums.losses for n, g in zip(named, sums.total, strict=True)}


def _through(learner: Any, samples: Sequence[Sample]) -> None:
    for sample in samples:
        learner.step(sample)


def _losses(sample: Sample, every: bool) -> int:
    """At how many ticks a target counts."""
    return 0 if sample.target is None else sample.inputs.shape[1] if every else 1


def exact_gradient(module: Recurrent, lives_on: bool, loss: Loss, samples: Sequence[Sample]) -> Gradient:
    """The gradient of the mean loss by back-propagation through all ticks of all samples.

    lives_on: whether the states go on from sample to sample; else each begins at rest.
    """
    named = {name: p for name, p in module.named_parameters() if p.requires_grad}
    total = {name: torch.zeros_like(p) for name, p in named.items()}
    count, ready = 0, module.ready()
    for stretch in [samples] if lives_on else [[sample] for sample in samples]:
        states: States = [None] * len(module.cells)
        losses: list[Tensor] = []
        for sample in stretch:
            ticks = sample.inputs.shape[1]
            first = 0 if module.every else ticks - 1
            targets = None if sample.target is None else parted(sample.target, ticks - first)
            for t, u in enumerate(sample.inputs.unbind(1)):
                x, states = module.tick(u, states, ready)
                if targets is not None and t >= first:
                    losses.append(loss(module.head(x), targets[t - first]))
        if losses:
            got = torch.autograd.grad(
                torch.stack(losses).sum(), [*named.values()], allow_unused=True, materialize_grads=True,
                retain_graph=True,
            )  # fmt: skip
            total = {name: total[name] + g for name, g in zip(named, got, strict=True)}
            count += len(losses)
    return {name: g / max(count, 1) for name, g in total.items()}


Agreement = tuple[float, float]


def agreements(make: Callable[[], Any], loss: Loss, samples: Sequence[Sample]) -> dict[str, Agreement]:
    """Cosine and norm ratio by tensor, of the state net, and of all weights; nothing where there is nothing to tell.

    make: makes a learner like the arm, at rest, with the weights of the moment. What is drawn at random meanwhile is
    drawn again afterwards.
    """
    before = chance.state_dict()
    try:
        arm = arm_gradient(make(), samples)
        other = make()
        module: Any = net_of(other)
        exact = exact_gradient(module, other.lives_on, loss, samples)
    except NonFinite:
        return {}
    finally:
        chance.load_state_dict(before)
    if arm is None:
        return {}
    groups = {name: [name] for name in exact}
    groups[STATE] = [name for name in exact if name.startswith("cells.")]
    groups[ALL] = [*exact]
    found = {name: _agreement(_flat(arm, of), _flat(exact, of)) for name, of in groups.items()}
    return {name: one for name, one in found.items() if one is not None}


def _flat(of: Gradient, names: Sequence[str]) -> Tensor:
    return torch.cat([of[name].detach().flatten() for name in names]).double()


def _agreement(arm: Tensor, exact: Tensor) -> Agreement | None:
    size, wanted = float(arm.norm()), float(exact.norm())
    if not (math.isfinite(size) and math.isfinite(wanted) and size > 0 and wanted > 0):
        return None
    return float(arm @ exact) / (size * wanted), size / wanted
