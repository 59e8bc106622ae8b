"""The nets of task=video: the learnt Hamiltonian, its leapfrog, and what the decoder sees."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import Tensor

from hl_cli.config.video import ARMS
from hl_cli.dynamics.phase_space import leapfrog, observed_order, reversibility, symplectic_defect
from hl_cli.replicates.draws import generator_of
from hl_cli.replicates.layers import Weights, count
from hl_cli.video.arms import Arm, arms
from hl_cli.video.latents import NET, Hamiltonian
from hl_cli.video.model import Model, Sizes
from hl_cli.video.training import loss_of

N, UNITS, REPLICATES = 2, 16, 2
ALL = arms(ARMS)
SIZES = Sizes(pixels=9, shown=2, code=3, n=N, hidden=6, units=UNITS)


def generators(what: str = "weights") -> list[torch.Generator]:
    return [generator_of(0, k, what) for k in range(REPLICATES)]


def points(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=generator_of(1, 0, "points"), dtype=torch.float64)


@pytest.fixture
def weights() -> Weights:
    """Of a Hamiltonian whose mass is not 1, and whose net is no small correction."""
    found = Hamiltonian(2.0).draw(N, UNITS, generators())
    return {name: 4 * of if "out" in name else of for name, of in found.items()}


def single(weights: Weights) -> Weights:
    return {name: of[:1] for name, of in weights.items()}


@pytest.mark.parametrize("name", ["kinetic", "potential"])
def test_the_written_gradient_is_that_of_the_energy(weights: Weights, name: str) -> None:
    x = points(REPLICATES, 5, N).requires_grad_()
    (slope,) = torch.autograd.grad(NET.value(weights, name, x).sum(), x)
    torch.testing.assert_close(NET.gradient(weights, name, x), slope, rtol=1e-12, atol=1e-12)


def test_the_leapfrog_of_a_learnt_energy_is_symplectic_reversible_and_of_order_two(weights: Weights) -> None:
    """Its mass is not 1 and its kinetic energy not even: q += h p, and turning p round, would fail."""
    of, latent = single(weights), Hamiltonian()
    q, p = points(2, 1, 1, N)
    separable = latent.gradients(of)

    def step(q: Tensor, p: Tensor, h: float) -> tuple[Tensor, Tensor]:
        return leapfrog(separable, q, p, h)

    def flat(q: Tensor, p: Tensor) -> tuple[Tensor, Tensor]:
        found = step(q.view(1, 1, N), p.view(1, 1, N), 0.2)
        return found[0].flatten(), found[1].flatten()

    assert observed_order(step, q, p, 2.0, 40) == pytest.approx(2, abs=0.05)
    assert reversibility(step, q, p, 0.125, 89) < 1e-12
    assert symplectic_defect(flat, q.flatten(), p.flatten()) < 1e-13
    turned = step(*(lambda a, b: (a, -b))(*step(q, p, 0.125)), 0.125)
    assert float((turned[0] - q).abs().max()) > 1e-3
    assert float((separable.velocity(p) - p).abs().max()) > 0.1


def test_a_step_of_the_arm_is_the_shared_leapfrog_and_keeps_the_energy_to_h_squared(weights: Weights) -> None:
    latent, start = Hamiltonian(), points(REPLICATES, 4, 2 * N)
    state = latent.begin(weights, start)
    for _ in range(3):
        state = latent.step(weights, state, 0.1)
    q, p = start.chunk(2, -1)
    for _ in range(3):
        q, p = leapfrog(latent.gradients(weights), q, p, 0.1)
    torch.testing.assert_close(latent.whole(weights, state), torch.cat([q, p], -1), rtol=0, atol=0)
    ends, wander = [], []
    for parts in (8, 16, 32):
        states = Model(latent, SIZES).rollout(weights, latent.begin(weights, start), 1.6 / parts, parts)
        energies = torch.stack([latent.energy(weights, latent.whole(weights, of)) for of in states])
        wander.append(float((energies - energies[0]).abs().max()))
        ends.append(latent.show(weights, states[-1]))
    coarse, fine = (float((a - b).abs().max()) for a, b in pairwise(ends))
    assert 3.3 < coarse / fine < 4.7 and 3 < wander[1] / wander[2] < 5  # rollout(h/2, 2n) against rollout(h, n)


@pytest.mark.parametrize("arm", ALL, ids=lambda arm: arm.name)
def test_an_arm_shows_the_decoder_q_alone(arm: Arm) -> None:
    model = Model(arm.latent, SIZES)
    own = model.draw(generators())
    start = points(REPLICATES, 4, arm.latent.width(N, UNITS)).requires_grad_()
    found = model.decode(own, model.positions(own, [arm.latent.begin(own, start)]))
    assert found.shape == (REPLICATES, 4, 1, SIZES.pixels) and bool(((found > 0) & (found < 1)).all())
    (slope,) = torch.autograd.grad(found.square().sum(), start)
    assert float(slope[..., :N].abs().min()) > 0
    if arm.name != "gru":  # whose q is a map of all of its state
        assert not slope[..., N:].any()


def test_all_arms_begin_with_one_encoder_and_decoder() -> None:
    drawn = [Model(arm.latent, SIZES).draw(generators()) for arm in ALL]
    for name in ("encoder_0_weight", "encoder_2_bias", "decoder_0_weight", "decoder_2_bias"):
        assert all(torch.equal(of[name], drawn[0][name]) for of in drawn)
    own = Model(Hamiltonian(), Sizes(256, 5, 8, 2, 128, 64)).draw(generators()[:1])
    assert count(own) == 233_750


def test_a_loss_of_all_frames_is_the_mean_of_those_of_each() -> None:
    model = Model(Hamiltonian(), SIZES)
    own, videos, noise = model.draw(generators()), points(REPLICATES, 4, 3, 9), points(REPLICATES, 4, 3)
    every = torch.arange(3).expand(REPLICATES, 3)
    whole = loss_of(model, own, videos, noise, 0.1, every)[0]
    each = [loss_of(model, own, videos, noise, 0.1, every[:, k : k + 1])[0] for k in range(3)]
    torch.testing.assert_close(whole, torch.stack(each).mean(0))


def test_replicates_do_not_mix_and_the_divergence_is_that_of_torch() -> None:
    model = Model(Hamiltonian(), SIZES)
    own, videos, noise = model.draw(generators()), points(REPLICATES, 4, 3, 9), points(REPLICATES, 4, 3)
    times = torch.tensor([[0, 2], [1, 2]])
    error, divergence = loss_of(model, own, videos, noise, 0.1, times)
    alone = loss_of(model, single(own), videos[:1], noise[:1], 0.1, times[:1])
    torch.testing.assert_close(torch.stack(alone)[:, 0], torch.stack([error, divergence])[:, 0])
    code = model.encode(own, videos[:, :, :2])
    of_code = torch.distributions.Normal(code.mean, (code.log_variance / 2).exp())
    prior = torch.distributions.Normal(torch.zeros((), dtype=torch.float64), torch.ones((), dtype=torch.float64))
    expected = torch.distributions.kl_divergence(of_code, prior).sum(-1).mean(1)
    torch.testing.assert_close(divergence, expected)
