r"""Neural Hamiltonian Flow: leapfrogs of learnt Hamiltonians carry (q, p) ~ N(0, I) to points q with momenta p.

    H_i(q, p) = K_i(p) + V_i(q),   i = 1..flows: each for a learnt time T_i, in leapfrogs of h_i = T_i / steps
    log w = log N(q_0; 0, I) + log N(p_0; 0, I) - log f(p | q),   p ~ f(p | q) = N(mu(q), sigma(q)^2)

(q_0, p_0) comes of (q, p) by the leapfrogs of -h_i, i = flows..1. A leapfrog keeps volume, so that no determinant is
needed. log w has a mean of at most log p(q): the ELBO; equal where f is the true density of p at q. V_i: a net of
`replicates.scalar_net`; K_i: one too, or quadratic, sum_k e^{m_k} p_k^2 / 2. Turning p round in place of h needs an
even K_i.

Source: Toth et al., ICLR 2020, arXiv 1909.13789; quadratic K: Souveton et al., arXiv 2302.01955.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from hl_cli.density.flow import log_normal
from hl_cli.dynamics.phase_space import Phase, Separable, kick_drift_kick
from hl_cli.replicates.layers import Weights, affine, drawn
from hl_cli.replicates.scalar_net import ScalarNet, silu

NET = ScalarNet(silu)  # after 200 steps the bound is .7 higher than with softplus within


@dataclass(frozen=True)
class HamiltonianFlow:
    """flows: Hamiltonians; steps: leapfrogs of each; learnt: whether K is a net."""

    flows: int
    steps: int
    learnt: bool
    momentum: ClassVar[bool] = True

    def latent(self, n: int) -> int:
        """q and p."""
        return 2 * n

    def draw(self, n: int, hidden: int, generators: Sequence[torch.Generator]) -> Weights:
        """Times, potentials, kinetic energies, and the net of f."""
        found: Weights = {}
        for i in range(self.flows):
            found[f"{i}_time"] = torch.zeros(len(generators), 1, 1, dtype=torch.float64)
            found |= NET.draw(f"{i}_potential", n, hidden, generators)
            if self.learnt:
                found |= NET.draw(f"{i}_kinetic", n, hidden, generators)
            else:
                found[f"{i}_mass"] = torch.zeros(len(generators), 1, n, dtype=torch.float64)
        for name, inner, outer in (("in", n, hidden), ("out", hidden, 2 * n)):
            found[f"f_{name}_weight"], found[f"f_{name}_bias"] = drawn(generators, inner, outer)
        return found

    def gradients(self, weights: Weights, i: int) -> Separable:
        """Of h_i H_i: a leapfrog of 1 for it is one of h_i for H_i."""
        h = weights[f"{i}_time"].exp() / self.steps

        def velocity(p: Tensor) -> Tensor:
            return h * (NET.gradient(weights, f"{i}_kinetic", p) if self.learnt else weights[f"{i}_mass"].exp() * p)

        return Separable(lambda q: h * NET.gradient(weights, f"{i}_potential", q), velocity)

    def _carried(self, weights: Weights, i: int, phase: Phase, sign: float) -> list[Phase]:
        """After each leapfrog of H_i; sign: of h."""
        (q, p), of, found = phase, self.gradients(weights, i), []
        force = of.force(q)
        for _ in range(self.steps):
            q, p, force = kick_drift_kick(of, q, p, force, sign)
            found.append((q, p))
        return found

    def path(self, weights: Weights, z: Tensor) -> list[Tensor]:
        """Every leapfrog."""
        q, p = z.chunk(2, -1)
        found = [(q, p)]
        for i in range(self.flows):
            found += self._carried(weights, i, found[-1], 1.0)
        return [torch.cat(phase, -1) for phase in found]

    def inverse(self, weights: Weights, state: Tensor) -> Tensor:
        """Leapfrogs of -h in the other order."""
        q, p = state.chunk(2, -1)
        for i in reversed(range(self.flows)):
            q, p = self._carried(weights, i, (q, p), -1.0)[-1]
        return torch.cat([q, p], -1)

    def turned(self, weights: Weights, state: Tensor) -> Tensor:
        """The same with h, and p turned round before and after: the inverse for an even K only."""
        q, p = state.chunk(2, -1)
        p = -p
        for i in reversed(range(self.flows)):
            q, p = self._carried(weights, i, (q, p), 1.0)[-1]
        return torch.cat([q, -p], -1)

    def log_weight(self, weights: Weights, x: Tensor, noise: Tensor) -> Tensor:
        """log w of p = mu + sigma noise."""
        mean, log_sigma = self.encoded(weights, x)
        p = mean + log_sigma.exp() * noise
        log_f = log_normal(noise) - log_sigma.sum(-1)
        return log_normal(self.inverse(weights, torch.cat([x, p], -1))) - log_f

    def encoded(self, weights: Weights, x: Tensor) -> tuple[Tensor, Tensor]:
        """mu and log sigma of f(p | x)."""
        inner = affine(x, weights["f_in_weight"], weights["f_in_bias"]).tanh()
        mean, log_sigma = affine(inner, weights["f_out_weight"], weights["f_out_bias"]).chunk(2, -1)
        return mean, log_sigma

    def potential(self, weights: Weights, i: int, q: Tensor) -> Tensor:
        """V_i, (r, b)."""
        return NET.value(weights, f"{i}_potential", q)

    def time(self, weights: Weights, i: int, replicate: int) -> float:
        """T_i."""
        return math.exp(float(weights[f"{i}_time"][replicate]))
