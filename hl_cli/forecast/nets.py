r"""The arms: each makes weights for all replicates, and a trajectory of them.

A `Mechanical` arm has a force and an integrator; a `Residual` arm has x' = x + h MLP(x), x = (q, v), which knows
nothing of mechanics; a `Gated` arm is a GRU whose hidden state begins at 0: x' = x + h A(GRU(x)).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
from torch import Tensor

from hl_cli.dynamics.phase_space import Phase
from hl_cli.forecast.integrators import State, VelocityVerlet
from hl_cli.forecast.potential import DirectForce, Potential
from hl_cli.replicates.layers import Weights, affine, drawn, gated


@dataclass(frozen=True)
class Ground:
    """What arms are told of a system. h: the step; mass: (n,), for those that have a mass."""

    n: int
    h: float
    mass: Tensor


class Net(Protocol):
    """draw: the weights of all replicates; begin, step, read: a state that goes on by h.

    momentum, velocity: what goes with q in the phase space that a step maps, by the mass, and back.
    """

    is_map: ClassVar[bool]

    def draw(self, n: int, hidden: int, generators: Sequence[torch.Generator]) -> Weights:
        """Weights, a generator a replicate."""

    def begin(self, weights: Weights, q: Tensor, v: Tensor, ground: Ground) -> State:
        """From a point of phase space."""

    def step(self, weights: Weights, state: State, ground: Ground) -> State:
        """One step of h."""

    def read(self, state: State, ground: Ground) -> Phase:
        """The point of phase space."""

    def momentum(self, v: Tensor, ground: Ground) -> Tensor:
        """p / M of a velocity."""

    def velocity(self, p: Tensor, ground: Ground) -> Tensor:
        """The velocity of p / M."""


class _Velocities:
    """p = M v; a step is a map of phase space."""

    is_map: ClassVar[bool] = True

    def momentum(self, v: Tensor, ground: Ground) -> Tensor:
        """v."""
        return v

    def velocity(self, p: Tensor, ground: Ground) -> Tensor:
        """p."""
        return p


@dataclass(frozen=True)
class Mechanical(_Velocities):
    """-grad U / M, or a force that is learnt directly, and an integrator."""

    force: Potential | DirectForce
    integrator: VelocityVerlet

    def draw(self, n: int, hidden: int, generators: Sequence[torch.Generator]) -> Weights:
        """Those of the force."""
        return self.force.draw(n, hidden, generators)

    def begin(self, weights: Weights, q: Tensor, v: Tensor, ground: Ground) -> State:
        """At a point."""
        return self.integrator.begin(lambda at: self._pull(weights, at, ground), q, v, ground.h)

    def step(self, weights: Weights, state: State, ground: Ground) -> State:
        """One step."""
        return self.integrator.step(lambda at: self._pull(weights, at, ground), state, ground.h)

    def read(self, state: State, ground: Ground) -> Phase:
        """q, v."""
        return self.integrator.read(state, ground.h)

    def momentum(self, v: Tensor, ground: Ground) -> Tensor:
        """That of the integrator."""
        return self.integrator.momentum(v, ground.h)

    def velocity(self, p: Tensor, ground: Ground) -> Tensor:
        """That of the integrator."""
        return self.integrator.velocity(p, ground.h)

    def _pull(self, weights: Weights, q: Tensor, ground: Ground) -> Tensor:
        return -self.force.gradient(weights, q) / ground.mass


@dataclass(frozen=True)
class Residual(_Velocities):
    """Hidden layers of tanh, as many as said."""

    layers: int

    def draw(self, n: int, hidden: int, generators: Sequence[torch.Generator]) -> Weights:
        """2n, hidden, .., hidden, 2n."""
        sizes, found = [2 * n, *[hidden] * self.layers, 2 * n], {}
        for k in range(self.layers + 1):
            found[f"weight_{k}"], found[f"bias_{k}"] = drawn(generators, sizes[k], sizes[k + 1])
        return found

    def begin(self, weights: Weights, q: Tensor, v: Tensor, ground: Ground) -> State:
        """At a point."""
        return (torch.cat([q, v], -1),)

    def step(self, weights: Weights, state: State, ground: Ground) -> State:
        """x + h MLP(x)."""
        (x,) = state
        inner = x
        for k in range(self.layers):
            inner = affine(inner, weights[f"weight_{k}"], weights[f"bias_{k}"]).tanh()
        return (x + ground.h * affine(inner, weights[f"weight_{self.layers}"], weights[f"bias_{self.layers}"]),)

    def read(self, state: State, ground: Ground) -> Phase:
        """Both halves."""
        q, v = state[0].chunk(2, -1)
        return q, v


@dataclass(frozen=True)
class Gated(_Velocities):
    """A GRU (torch.nn.GRUCell's equations) with a hidden state of its own: no map of phase space."""

    is_map = False

    def draw(self, n: int, hidden: int, generators: Sequence[torch.Generator]) -> Weights:
        """Three gates of x and of the hidden state, and the way out."""
        found: Weights = {}
        for name, inner, outer in (("x", 2 * n, 3 * hidden), ("h", hidden, 3 * hidden), ("out", hidden, 2 * n)):
            found[f"{name}_weight"], found[f"{name}_bias"] = drawn(generators, inner, outer)
        return found

    def begin(self, weights: Weights, q: Tensor, v: Tensor, ground: Ground) -> State:
        """A hidden state of 0."""
        x = torch.cat([q, v], -1)
        return x, x.new_zeros(*x.shape[:-1], weights["h_weight"].shape[1])

    def step(self, weights: Weights, state: State, ground: Ground) -> State:
        """x + h A(GRU)."""
        x, hidden = state
        hidden = gated(weights, x, hidden)
        return x + ground.h * affine(hidden, weights["out_weight"], weights["out_bias"]), hidden

    def read(self, state: State, ground: Ground) -> Phase:
        """Both halves of x."""
        q, v = state[0].chunk(2, -1)
        return q, v


def trajectory(net: Net, weights: Weights, q: Tensor, v: Tensor, ground: Ground, steps: int) -> Phase:
    """(steps + 1, r, b, n) twice, the start first."""
    state = net.begin(weights, q, v, ground)
    points = [net.read(state, ground)]
    for _ in range(steps):
        state = net.step(weights, state, ground)
        points.append(net.read(state, ground))
    return torch.stack([q for q, _ in points]), torch.stack([v for _, v in points])
