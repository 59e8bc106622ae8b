"""Toy problems with exact solutions, for the order of the integrators."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from hl_cli.dynamics.equivalence import Coefficients
from hl_cli.dynamics.weights import FlatWeights


@dataclass(frozen=True)
class DampedOscillator:
    """One weight in the loss (k/2) theta^2:  theta' = -beta omega,  omega' = phi k theta - eta omega.

    Hence theta'' + eta theta' + beta phi k theta = 0, an oscillator with damping ratio below 1.
    """

    beta: float = 0.7
    phi: float = 1.3
    eta: float = 0.4
    k: float = 2.0
    start: float = 1.5

    def coefficients(self, tau: float) -> Coefficients:
        return Coefficients(tau=tau, beta=self.beta, eta=self.eta, phi=self.phi, phi_first=self.phi)

    def weights(self) -> FlatWeights:
        return FlatWeights([nn.Parameter(torch.tensor([self.start], dtype=torch.float64))])

    def push(self, weights: FlatWeights) -> None:
        """dH/dtheta / phi = k theta."""
        p = weights.parameters[0]
        weights.drive.start()
        weights.drive.add(p, self.k * p.detach())

    def exact(self, t: float) -> tuple[float, float]:
        """theta(t), omega(t), from theta(0) = start, omega(0) = 0."""
        gamma = self.eta / 2
        w = math.sqrt(self.beta * self.phi * self.k - gamma**2)
        decay = self.start * math.exp(-gamma * t)
        theta = decay * (math.cos(w * t) + gamma / w * math.sin(w * t))
        velocity = -decay * (w + gamma**2 / w) * math.sin(w * t)
        return theta, -velocity / self.beta

    def energy(self, theta: Tensor, omega: Tensor) -> float:
        """H of the undamped system with the sign of a mechanical energy: (beta/2) omega^2 + phi (k/2) theta^2."""
        return float(0.5 * self.beta * omega.square().sum() + 0.5 * self.phi * self.k * theta.square().sum())
