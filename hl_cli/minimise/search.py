r"""A search with equal budgets: every method has the same number of trials and of gradient evaluations in each.

A replicate is a new instance of the function and new trials. All methods of a replicate see the same instance and the
same draws: where two of them share a number, such as the learning rate, trial i of both has the same one. The best
trial is that with the lowest value at its end. Its numbers, unchanged, then run on fresh instances: the transfer. A
value that is not finite counts as infinite. A setting is usable where the value at the end is no higher than at the
start.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from hl_cli.minimise.base import Function
from hl_cli.minimise.methods import METHODS, Method, Settings
from hl_cli.replicates.draws import generator_of

Make = Callable[[int, torch.Generator], Function]
"""So many instances of a function, drawn by a generator."""


@dataclass(frozen=True)
class Range:
    """Where a number is drawn from: uniform between two bounds, on a logarithmic scale unless `linear`."""

    low: float
    high: float
    linear: bool = False

    def at(self, share: Tensor) -> Tensor:
        """The number at a share in [0, 1] of the range.

        >>> Range(0.01, 1.0).at(torch.tensor([0.0, 0.5, 1.0]))
        tensor([0.0100, 0.1000, 1.0000])
        """
        if self.linear:
            return self.low + (self.high - self.low) * share
        return self.low * (self.high / self.low) ** share


@dataclass(frozen=True)
class Trials:
    """The trials of one method in one replicate, (k,) each; transfer: the best one, judged on fresh instances."""

    method: str
    replicate: int
    settings: dict[str, Tensor]
    began: Tensor
    value: Tensor
    judged: Tensor
    transfer: Tensor

    @property
    def best(self) -> int:
        """The trial with the lowest value, the first of several."""
        return int(self.value.argmin())

    @property
    def usable(self) -> Tensor:
        """Which trials end no higher than they began."""
        return self.value <= self.began


def draw(method: Method, ranges: Mapping[str, Range], trials: int, seed: int, replicate: int) -> dict[str, Tensor]:
    """The numbers of all trials, (k, 1) each; those of one name are the same in every method."""
    found = {}
    for name in method.settings:
        share = torch.rand(trials, 1, generator=generator_of(seed, replicate, name), dtype=torch.float64)
        found[name] = ranges[name].at(share)
    return found


def path(method: Method, function: Function, settings: Settings, steps: int) -> Iterator[Tensor]:
    """The points x (k, n) of all trials, the start first."""
    count = next(iter(settings.values())).shape[0]
    x = function.start.expand(max(count, function.start.shape[0]), -1)
    kept = (torch.zeros_like(x),) * method.slots
    yield x
    for t in range(1, steps + 1):
        x, kept = method.step(function.gradient, x, kept, t, settings)
        yield x


def last(points: Iterator[Tensor]) -> Tensor:
    """The end of a path."""
    return deque(points, maxlen=1)[0]


def finite(values: Tensor) -> Tensor:
    """The same, infinite where not finite."""
    return torch.where(values.isfinite(), values, torch.inf)


def replicate_of(
    make: Make,
    ranges: Mapping[str, Range],
    methods: Sequence[str],
    trials: int,
    steps: int,
    transfer: int,
    seed: int,
    replicate: int,
) -> Iterator[Trials]:
    """All methods on one new instance, and their best on `transfer` more."""
    for name in methods:
        method = METHODS[name]
        function = make(1, generator_of(seed, replicate, "instance"))
        settings = draw(method, ranges, trials, seed, replicate)
        x = last(path(method, function, settings, steps))
        value = finite(function.value(x))
        best = int(value.argmin())
        chosen = {key: of[best : best + 1] for key, of in settings.items()}
        fresh = make(transfer, generator_of(seed, replicate, "fresh instances"))
        moved = finite(fresh.judged(last(path(method, fresh, chosen, steps))))
        began = function.value(function.start).expand(trials)
        flat = {key: of.squeeze(1) for key, of in settings.items()}
        yield Trials(name, replicate, flat, began, value, finite(function.judged(x)), moved)
