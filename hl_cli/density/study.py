"""A whole comparison: the same points in the same order and the same steps for every flow, all replicates at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from torch import Tensor

from hl_cli.density import gaussian_mixture
from hl_cli.density.arms import Arm, width
from hl_cli.density.bounds import normal
from hl_cli.density.checks import checks
from hl_cli.density.data.base import Data, Parts
from hl_cli.density.energy_distance import energy_distance
from hl_cli.density.flow import Flow
from hl_cli.density.found import Found, FoundFlow, FoundMixture
from hl_cli.density.training import Plan, Trained, fit
from hl_cli.replicates.draws import generator_of
from hl_cli.replicates.standing import Standing
from hl_cli.replicates.training import NotFinite

POINTS = 8  # of each replicate, where determinant and inverse are checked


@dataclass(frozen=True)
class Setting:
    """What a comparison is about. rates, tune_steps: of the search; bound_samples, samples: of judging."""

    data: Data
    seeds: int
    seed: int
    dtype: torch.dtype
    most: int
    components: Sequence[int]
    rates: Sequence[float]
    tune_steps: int
    bound_samples: int
    samples: int

    def generators(self, what: str, first: int = 0, count: int | None = None) -> list[torch.Generator]:
        """The random numbers of one purpose, one a replicate."""
        return [generator_of(self.seed, first + k, what) for k in range(self.seeds if count is None else count)]

    @cached_property
    def parts(self) -> list[Parts]:
        """Of each replicate."""
        return [self.data.parts(generator) for generator in self.generators("points")]

    @cached_property
    def spare(self) -> list[Parts]:
        """Of the replicate on which rates are tried."""
        return [self.data.parts(*self.generators("points", self.seeds, 1))]

    @property
    def drawn(self) -> int:
        """Points from each arm."""
        return min(self.samples, len(self.parts[0].real), len(self.parts[0].held_out))

    def stacked(self, name: str, parts: Sequence[Parts] | None = None) -> Tensor:
        """(r, points, n) of one part."""
        return torch.stack([getattr(of, name) for of in (self.parts if parts is None else parts)]).to(self.dtype)

    def judged(self) -> tuple[Tensor, Tensor]:
        """Held-out points and the real sample beside the points of the arms, (r, drawn, n) each, in float64."""
        cut = [torch.stack([getattr(of, name)[: self.drawn] for of in self.parts]) for name in ("held_out", "real")]
        return cut[0], cut[1]

    def truth(self) -> list[float] | None:
        """The true mean log density of the held-out points of each replicate."""
        found = [self.data.log_density(of.held_out) for of in self.parts]
        return None if None in found else [float(of.mean()) for of in found if of is not None]


@dataclass(frozen=True)
class Score:
    """One arm in one replicate; None where there is no such thing. lr: 0 for what has no rate."""

    arm: str
    replicate: int
    parameters: int
    lr: float
    elbo: float
    bound: float
    energy_distance: float
    log_det: float | None = None
    back: float | None = None
    turned: float | None = None


@dataclass(frozen=True)
class Result:
    """One arm. drawn: its points, (r, points, n); tried: rate and mean log w of each that was tried."""

    arm: Arm
    found: Found
    drawn: Tensor
    scores: list[Score]
    curve: list[tuple[int, Tensor]] = field(default_factory=list)
    tried: list[tuple[float, float]] = field(default_factory=list)


def result_of(arm: Arm, of: Setting, plan: Plan, standing: Standing) -> Result:
    """Train one arm and judge it; raises `NotFinite`."""
    if arm.flow is None:
        mixtures = [
            gaussian_mixture.fitted(parts.train, parts.apart, of.components, of.seed + replicate)
            for replicate, parts in enumerate(of.parts)
        ]
        return _judged(arm, FoundMixture(mixtures), of, 0.0, {})
    tried = rates(arm.name, arm.flow, of, plan, standing)
    lr = max(tried, key=lambda one: one[1])[0] if tried else of.rates[0]
    trained = _trained(arm.flow, of, replace(plan, lr=lr), 0, of.parts, standing, arm.name)
    found = checks(
        arm.flow, trained.weights,
        normal(torch.empty(of.seeds, POINTS, arm.flow.latent(of.data.n), dtype=torch.float64), of.generators("checks")),
    )  # fmt: skip
    columns = {"log_det": found.log_det, "back": found.back, "turned": found.turned}
    result = _judged(arm, FoundFlow(arm.flow, trained.weights, of.data.n), of, lr, columns)
    return replace(result, curve=trained.curve, tried=tried)


def rates(name: str, flow: Flow, of: Setting, plan: Plan, standing: Standing) -> list[tuple[float, float]]:
    """What each rate reaches on the spare replicate; one that is not finite reaches minus infinity."""
    found = []
    for lr in of.rates if len(of.rates) > 1 else ():
        short = replace(plan, steps=of.tune_steps, lr=lr)
        try:
            trained = _trained(flow, of, short, of.seeds, of.spare, standing, f"{name} with rate {lr!r}")
            reached = float(trained.best[0])
        except NotFinite:
            reached = -float("inf")
        found.append((lr, reached))
    return found


def _trained(
    flow: Flow, of: Setting, plan: Plan, first: int, parts: Sequence[Parts], standing: Standing, part: str
) -> Trained:
    """All replicates from `first` on; the same random numbers for every flow and rate. part: its name in `standing`."""
    hidden = width(flow, of.data.n, of.most)
    of_weights, order, noise = (of.generators(what, first, len(parts)) for what in ("weights", "order", "noise"))
    weights = {name: w.to(of.dtype) for name, w in flow.draw(of.data.n, hidden, of_weights).items()}
    return fit(
        flow, weights, of.stacked("train", parts), of.stacked("apart", parts), plan, order, noise, standing, part
    )


def _judged(arm: Arm, found: Found, of: Setting, lr: float, columns: dict[str, Tensor | None]) -> Result:
    held_out, _ = of.judged()
    elbo, bound = found.bounds(
        torch.stack([one.held_out for one in of.parts]), of.bound_samples, of.generators("bound")
    )
    drawn = found.draw(of.drawn, of.generators("samples")).double()
    distance = energy_distance(drawn, held_out)
    scores = [
        Score(
            arm.name, k, found.parameters[k], lr, float(elbo[k].double().mean()), float(bound[k].double().mean()),
            float(distance[k]), **{name: None if c is None else float(c[k]) for name, c in columns.items()},
        )
        for k in range(of.seeds)
    ]  # fmt: skip
    return Result(arm, found, drawn, scores)
