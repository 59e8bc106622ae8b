"""Chains: their stationary distribution, what is refused, and what is said of them."""

from __future__ import annotations

import pytest
import torch

from hl_cli.errors import BadInput
from hl_cli.replicates.standing import Standing
from hl_cli.sampling.chains import Setting, draw
from hl_cli.sampling.diagnostics import diagnose
from hl_cli.sampling.methods import METHODS
from hl_cli.sampling.metrics import Fisher, Identity
from hl_cli.sampling.trajectories import Explicit, Implicit, leapfrog
from hl_cli.sampling.tuning import LOST, Budget, grid, tuned
from tests.sampling.test_derivatives import target_of

TOY = target_of("gaussian")
KINDS = [
    ("hmc", Identity(TOY), leapfrog, Setting(0.3, 5), None),
    ("implicit", Fisher(TOY), Implicit(1e-4), Setting(0.4, 3), None),
    ("explicit", Fisher(TOY), Explicit(), Setting(0.2, 7), None),
    ("explicit", Fisher(TOY), Explicit(), Setting(0.2, 7), 0.3),
]


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("name", "system", "move", "setting", "spread"), KINDS)
def test_the_normal_distribution(
    name: str, system: object, move: object, setting: Setting, spread: float | None
) -> None:
    """Moments, the Kolmogorov-Smirnov distance, and enough effective draws to say so."""
    start = TOY.start(150, seeded(0))
    of = draw(system, move, setting, start, 40, 5, seeded(1), 0.3, spread)  # type: ignore[arg-type]
    found = diagnose(name, 0, setting, of, TOY)
    assert found.ess_bulk > 800 and found.r_hat < 1.2 and found.accepted > 0.6
    assert abs(found.mean[0]) < 0.1 and abs(found.std[0] - 1) < 0.06 and found.ks < 0.05
    again = draw(system, move, setting, start, 3, 5, seeded(1), 0.3, spread)  # type: ignore[arg-type]
    assert torch.equal(of.q[:, :3], again.q)


def test_copies_that_part_are_seen() -> None:
    """The projected acceptance is biased at a large step and binding, and the distance of the copies tells."""
    start = TOY.start(400, seeded(0))
    near, far = (
        draw(Fisher(TOY), Explicit(omega), Setting(step, 4), start, 40, 5, seeded(1))
        for step, omega in ((0.1, 1.0), (0.5, 100.0))
    )
    assert float(near.gap.median()) < 0.01 < float(far.gap.median())
    assert abs(float(near.q.std()) - 1) < 0.03 < abs(float(far.q.std()) - 1)


def test_what_is_not_finite_is_refused() -> None:
    target = target_of("funnel")
    start = target.start(4, seeded(0))
    of = draw(Identity(target), leapfrog, Setting(1e6, 3), start, 5, 0, seeded(1))
    assert not of.accepted.any() and of.diverged.all() and torch.equal(of.q[:, -1], start)
    found = diagnose("hmc", 0, Setting(1e6, 3), of, target)
    assert (found.accepted, found.ess_bulk, found.diverged) == (0.0, 0.0, 1.0)


def test_a_search_has_equal_budgets_and_says_when_nothing_is_accepted() -> None:
    start, budget = TOY.start(10, seeded(0)), Budget(6, 900)
    for name, system, move, setting, _ in KINDS[:3]:
        best, tried = tuned(name, system, move, setting, start, budget, seeded(2), 0.3, None, Standing(), "part")  # type: ignore[arg-type]
        assert [one for one, _ in tried] == [*grid(setting, 6)]
        good = [one for one in tried if one[1].accepted >= METHODS[name].least and one[1].unconverged <= LOST]
        assert best == max(good, key=lambda one: one[1].per_evaluation)[0] and len(good) > 1
        spent = sum(of.ess_bulk / of.per_evaluation * 1000 for _, of in tried if of.ess_bulk) / len(start)
        assert 0.6 * budget.evaluations < spent < 1.4 * budget.evaluations, name
    with pytest.raises(
        BadInput, match=r"tune: HMC: no step from .* is accepted often enough \(at most 0.00, allowed: "
    ):
        tuned("hmc", Identity(target_of("funnel")), leapfrog, Setting(1e5, 2), target_of("funnel").start(4, seeded(0)),
              budget, seeded(2), 0.3, None, Standing(), "part")  # fmt: skip
