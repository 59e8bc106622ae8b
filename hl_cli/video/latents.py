r"""The motion between frames: each arm makes a state of a code z, goes on with it, and shows the decoder some of it.

    hamiltonian   state (q, p), a leapfrog of a learnt H = K(p) + V(q); shows q
    residual      state x = (q, p), x' = x + h MLP(x), two hidden layers of tanh; shows q
    gru           state of a GRU that is fed with what it showed, q = A state; h is one frame and nothing else

A negative h goes back in time. The leapfrog with -h undoes that with h; a residual step does not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
from torch import Tensor

from hl_cli.dynamics.phase_space import Separable, kick_drift_kick
from hl_cli.replicates.layers import Weights, affine, drawn, gated
from hl_cli.replicates.scalar_net import ScalarNet, softplus

NET = ScalarNet(softplus)

State = tuple[Tensor, ...]
"""What a motion goes on from, (r, b, ..) each; the first is what z is made into."""


class Latent(Protocol):
    """n: coordinates that are shown. any_time: whether h may be another than that of training, also negative."""

    any_time: ClassVar[bool]

    def width(self, n: int, hidden: int) -> int:
        """Of the state that is made of z."""

    def draw(self, n: int, hidden: int, generators: Sequence[torch.Generator]) -> Weights:
        """Weights, a generator a replicate."""

    def begin(self, weights: Weights, state: Tensor) -> State:
        """From what was made of z."""

    def step(self, weights: Weights, state: State, h: float) -> State:
        """Over a time h."""

    def show(self, weights: Weights, state: State) -> Tensor:
        """q, (r, b, n): all that the decoder sees."""

    def whole(self, weights: Weights, state: State) -> Tensor:
        """All that the state is, (r, b, ..)."""


@dataclass(frozen=True)
class Hamiltonian:
    """State: q, p, dV/dq. omega: the angular frequency before training, but for the net's part of H."""

    omega: float = 1.0
    any_time: ClassVar[bool] = True

    def width(self, n: int, hidden: int) -> int:
        """q, p."""
        return 2 * n

    def draw(self, n: int, hidden: int, generators: Sequence[torch.Generator]) -> Weights:
        """Both parts of H; two bowls of e^w = omega are oscillators of that angular frequency in every direction."""
        parts = [NET.draw(name, n, hidden, generators, math.log(self.omega)) for name in ("kinetic", "potential")]
        return {**parts[0], **parts[1]}

    def gradients(self, weights: Weights) -> Separable:
        """Of H."""
        return Separable(lambda q: NET.gradient(weights, "potential", q), lambda p: NET.gradient(weights, "kinetic", p))

    def begin(self, weights: Weights, state: Tensor) -> State:
        """Halves."""
        q, p = state.chunk(2, -1)
        return q, p, NET.gradient(weights, "potential", q)

    def step(self, weights: Weights, state: State, h: float) -> State:
        """A leapfrog, kick first, one gradient of each part."""
        q, p, force = state
        return kick_drift_kick(self.gradients(weights), q, p, force, h)

    def show(self, weights: Weights, state: State) -> Tensor:
        """q."""
        return state[0]

    def whole(self, weights: Weights, state: State) -> Tensor:
        """(q, p)."""
        return torch.cat(state[:2], -1)

    def energy(self, weights: Weights, whole: Tensor) -> Tensor:
        """H, (r, b)."""
        q, p = whole.chunk(2, -1)
        return NET.value(weights, "kinetic", p) + NET.value(weights, "potential", q)


@dataclass(frozen=True)
class Residual:
    """State: x."""

    any_time: ClassVar[bool] = True

    def width(self, n: int, hidden: int) -> int:
        """As the Hamiltonian arm."""
        return 2 * n

    def draw(self, n: int, hidden: int, generators: Sequence[torch.Generator]) -> Weights:
        """2n, hidden, hidden, 2n."""
        sizes, found = (2 * n, hidden, hidden, 2 * n), {}
        for k in range(3):
            found[f"step_{k}_weight"], found[f"step_{k}_bias"] = drawn(generators, sizes[k], sizes[k + 1])
        return found

    def begin(self, weights: Weights, state: Tensor) -> State:
        """Itself."""
        return (state,)

    def step(self, weights: Weights, state: State, h: float) -> State:
        """x + h MLP(x)."""
        (x,) = state
        inner = x
        for k in range(2):
            inner = affine(inner, weights[f"step_{k}_weight"], weights[f"step_{k}_bias"]).tanh()
        return (x + h * affine(inner, weights["step_2_weight"], weights["step_2_bias"]),)

    def show(self, weights: Weights, state: State) -> Tensor:
        """Its first half."""
        return state[0].chunk(2, -1)[0]

    def whole(self, weights: Weights, state: State) -> Tensor:
        """x."""
        return state[0]


@dataclass(frozen=True)
class Gated:
    """State: the hidden state of a GRU."""

    any_time: ClassVar[bool] = False

    def width(self, n: int, hidden: int) -> int:
        """Of the hidden state."""
        return hidden

    def draw(self, n: int, hidden: int, generators: Sequence[torch.Generator]) -> Weights:
        """Three gates of what is fed and of the hidden state, and what is shown."""
        found: Weights = {}
        for name, inner, outer in (("x", n, 3 * hidden), ("h", hidden, 3 * hidden), ("out", hidden, n)):
            found[f"{name}_weight"], found[f"{name}_bias"] = drawn(generators, inner, outer)
        return found

    def begin(self, weights: Weights, state: Tensor) -> State:
        """Itself."""
        return (state,)

    def step(self, weights: Weights, state: State, h: float) -> State:
        """One frame, whatever h is."""
        return (gated(weights, self.show(weights, state), state[0]),)

    def show(self, weights: Weights, state: State) -> Tensor:
        """An affine map of the hidden state."""
        return affine(state[0], weights["out_weight"], weights["out_bias"])

    def whole(self, weights: Weights, state: State) -> Tensor:
        """The hidden state."""
        return state[0]
