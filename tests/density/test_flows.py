"""The mathematics of flows: volume, there and back, bounds, energy distance, densities that sum to 1."""

from __future__ import annotations

import math
from typing import ClassVar

import pytest
import torch
from torch import Tensor

from hl_cli.density import gaussian_mixture
from hl_cli.density.bounds import bounds, normal
from hl_cli.density.checks import checks, log_det
from hl_cli.density.data.base import Drawn
from hl_cli.density.data.mixture import Mixture
from hl_cli.density.data.moons import Moons
from hl_cli.density.data.ring import Ring
from hl_cli.density.energy_distance import energy_distance
from hl_cli.density.flow import Flow, log_normal
from hl_cli.density.hamiltonian_flow import NET, HamiltonianFlow
from hl_cli.density.real_nvp import RealNVP
from hl_cli.density.training import Plan, fit
from hl_cli.replicates.draws import generator_of
from hl_cli.replicates.layers import Weights
from hl_cli.replicates.standing import Standing

SEEDS = 3
LEARNT, FIXED, NVP = HamiltonianFlow(3, 4, True), HamiltonianFlow(3, 4, False), RealNVP(6)
FLOWS: dict[str, Flow] = {"learnt": LEARNT, "fixed": FIXED, "nvp": NVP}


def generators(what: str) -> list[torch.Generator]:
    return [generator_of(0, k, what) for k in range(SEEDS)]


def noise(points: int, n: int, what: str = "noise") -> Tensor:
    return normal(torch.empty(SEEDS, points, n, dtype=torch.float64), generators(what))


def weights_of(flow: Flow, n: int, hidden: int = 16) -> Weights:
    """Far from those at the start, as training leaves them."""
    drawn = flow.draw(n, hidden, generators("weights"))
    far = generators("far")
    return {name: of + 0.3 * normal(of, far) for name, of in drawn.items()}


@pytest.mark.parametrize("n", [2, 3])
@pytest.mark.parametrize("name", FLOWS)
def test_a_flow_goes_there_and_back_and_a_hamiltonian_one_keeps_volume(name: str, n: int) -> None:
    flow = FLOWS[name]
    found = checks(flow, weights_of(flow, n), noise(6, flow.latent(n)))
    assert float(found.back.max()) < (1e-12 if flow.momentum else 1e-10)  # couplings stretch, and errors with them
    if name == "nvp":
        assert float(found.log_det.max()) > 0.1 and found.turned is None
        return
    assert float(found.log_det.max()) < 1e-12
    assert found.turned is not None  # turning the momentum round asks for an even K, which a learnt one is not
    assert float(found.turned.min()) > 0.1 if name == "learnt" else float(found.turned.max()) < 1e-12


def test_the_gradient_that_is_written_out_is_that_of_the_net() -> None:
    weights, x = weights_of(LEARNT, 3), noise(5, 3).requires_grad_()
    (wanted,) = torch.autograd.grad(NET.value(weights, "0_potential", x).sum(), x)
    torch.testing.assert_close(NET.gradient(weights, "0_potential", x), wanted)


class Linear(HamiltonianFlow):
    """V'' = 2, .5 and K = p^2 / 2: q of the end is normal, and so is p of a q. wide: of f, by the exact deviation."""

    stiffness: ClassVar[Tensor] = torch.tensor([2.0, 0.5], dtype=torch.float64)
    wide = 1.0

    def gradients(self, weights: Weights, i: int):  # type: ignore[no-untyped-def]
        of = super().gradients(weights, i)
        return of._replace(force=lambda q: self.stiffness * q, velocity=lambda p: p)

    def moments(self, weights: Weights) -> tuple[Tensor, Tensor, Tensor]:
        """Variance of q, slope of the mean of p in q, deviation of p given q; each by coordinate."""
        basis = torch.eye(4, dtype=torch.float64).expand(SEEDS, 4, 4)
        end = self.path(weights, basis)[-1][0]
        q, p = end[:, :2], end[:, 2:]
        var, cov, of_p = q.square().sum(0), (q * p).sum(0), p.square().sum(0)
        return var, cov / var, (of_p - cov.square() / var).sqrt()

    def encoded(self, weights: Weights, x: Tensor) -> tuple[Tensor, Tensor]:
        _, slope, deviation = self.moments(weights)
        return slope * x, (self.wide * deviation).log().expand_as(x)


class Wide(Linear):
    wide = 3.0


def test_elbo_is_log_p_with_the_exact_posterior_and_bounds_rise_to_it() -> None:
    """With an f three times as wide, the gap of k samples falls towards 0."""
    exact, wide = Linear(2, 4, False), Wide(2, 4, False)
    weights = exact.draw(2, 4, generators("weights"))
    var, _, _ = exact.moments(weights)
    x = var.sqrt() * noise(100, 2, "points")
    truth = log_normal(x / var.sqrt()) - var.log().sum() / 2
    elbo, bound = bounds(exact, weights, x, 3, generators("bound"))
    torch.testing.assert_close(elbo, truth, rtol=0, atol=1e-12)
    torch.testing.assert_close(bound, truth, rtol=0, atol=1e-12)
    ladder = []
    for k in (1, 10, 100, 1000):
        elbo, bound = bounds(wide, weights, x, k, generators("bound"))
        ladder.append(float((truth - bound).mean()))
    assert ladder == sorted(ladder, reverse=True) and ladder[1] > 0.1 > 0.03 > ladder[2] > 0.005 > ladder[3] > -0.005
    # the bound of k samples by chi^2 / (2 k), 1 + chi^2 = s^2 / sqrt(2 s^2 - 1) a coordinate; the mean of w/p is 1
    gap = truth - bound
    assert float((gap + (-gap).expm1()).mean()) == pytest.approx((81 / 17 - 1) / 2000, rel=0.25)
    # the ELBO is below by KL(f || p) of two Gaussians with one mean, (s^2 - 1) / 2 - log s a coordinate
    assert float((truth - elbo).mean()) == pytest.approx(2 * (4 - math.log(3)), rel=0.02)


@pytest.mark.parametrize("data", [Mixture(), Ring(), Moons()], ids=lambda of: type(of).__name__)
def test_a_target_is_a_density_and_its_points_are_of_it(data: Drawn) -> None:
    side = torch.linspace(-3.5, 3.5, 106, dtype=torch.float64)
    grid = torch.cartesian_prod(side, side)
    found = data.log_density(grid)
    assert found is not None
    p = found.exp().nan_to_num(0.0)
    cell = float(side[1] - side[0]) ** 2
    assert float(p.sum()) * cell == pytest.approx(1, abs=5e-3)
    points = data.draw(4000, generator_of(0, 0, "points"))
    true = (p.unsqueeze(1) * grid.square()).sum(0) * cell
    torch.testing.assert_close(points.square().mean(0), true, rtol=0.05, atol=0)
    mean = data.log_density(points)
    assert mean is not None
    assert float(mean.mean()) == pytest.approx(float((p * found.clamp(min=-700)).sum()) * cell, abs=0.05)


def test_the_likelihood_of_real_nvp_has_the_determinant_of_its_jacobian() -> None:
    weights, z = weights_of(NVP, 3, 8), noise(5, 3)
    end = NVP.path(weights, z)[-1]
    torch.testing.assert_close(NVP.log_weight(weights, end, end), log_normal(z) - log_det(NVP, weights, z))


def test_the_energy_distance_sees_a_shift_and_spares_equal_sets() -> None:
    x = noise(500, 2)
    assert float(energy_distance(x, x).abs().max()) < 1e-12
    same, shifted = energy_distance(x, noise(500, 2, "other")), energy_distance(x, x + 1)
    assert float(same.max()) < 0.02 and float(shifted.min()) > 0.5
    single = torch.zeros(SEEDS, 1, 2)
    torch.testing.assert_close(
        energy_distance(single, single + torch.tensor([3.0, 4.0])), torch.full((SEEDS,), 10.0).double()
    )


def test_the_mixture_of_scikit_learn_finds_the_number_of_gaussians() -> None:
    data, g = Mixture(components=4), generator_of(0, 0, "points")
    train, apart = data.draw(2000, g), data.draw(1000, g)
    of = gaussian_mixture.fitted(train, apart, [1, 2, 4], 0)
    assert len(of.weights_) == 4 and gaussian_mixture.count(of) == 4 * 5 + 3
    missed = gaussian_mixture.log_density(of, apart) - data.log_density(apart)
    assert abs(float(missed.mean())) < 0.02
    sample = gaussian_mixture.draw(of, 500, g)
    assert float(energy_distance(sample.unsqueeze(0), apart[:500].unsqueeze(0))) < 0.03


@pytest.mark.parametrize("flow", [HamiltonianFlow(1, 3, True), RealNVP(3)], ids=["learnt", "nvp"])
def test_training_raises_the_bound_and_keeps_the_best(flow: Flow) -> None:
    """A replicate learns as it does alone, and of its looks the best is kept."""
    data = [Ring(train=300, apart=100).parts(of) for of in generators("data")]
    train, apart = torch.stack([of.train for of in data]), torch.stack([of.apart for of in data])

    def trained(k: slice):  # type: ignore[no-untyped-def]
        weights = {of: w[k] for of, w in flow.draw(2, 8, generators("weights")).items()}
        return fit(
            flow,
            weights,
            train[k],
            apart[k],
            Plan(12, 64, 2e-2, 5.0),
            generators("order")[k],
            generators("n")[k],
            Standing(),
            "flow",
        )

    every, one = trained(slice(0, 3)), trained(slice(1, 2))
    assert [step for step, _ in every.curve] == [*range(1, 13)]
    torch.testing.assert_close(every.best[1:2], one.best)
    looks = torch.stack([of for _, of in every.curve])
    torch.testing.assert_close(every.best, looks.amax(0))
    assert bool((every.best > looks[0] + 0.1).all())
