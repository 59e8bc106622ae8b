r"""One step of q, v under an acceleration F = -M^-1 grad U, of length h. F(q) is kept: one evaluation a step.

    velocity Verlet   q' = q + h v + (h^2/2) F(q),   v' = v + (h/2) (F(q) + F(q'))
    Stormer-Verlet    q_{t+1} = 2 q_t - q_{t-1} + h^2 F(q_t),   q_1 = q_0 + h v_0 + (h^2/2) F(q_0),
                      v_t = (q_{t+1} - q_{t-1}) / (2 h): the same trajectory
    SO(2)             q_{t+1} = q_t + asin(sin(q_t - q_{t-1}) + h^2 F(q_t)), for angles
    explicit Euler    q' = q + h v,   v' = v + h F(q), which is not symplectic

On SO(2), p = M sin(h v) / h goes with q: with p in the place of v the step is that of velocity Verlet, but for
q' = q + asin(h p / M), and v' = asin(h p') / h. A sine beyond 0.9999 is cut off there.

Sources: Saemundsson, Terenin, Hofmann, Deisenroth, Variational Integrator Networks (AISTATS 2020, arXiv 1910.09349);
Hairer, Lubich, Wanner, Geometric Numerical Integration (2006), I.1.4 and VI.6.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from hl_cli.dynamics.phase_space import Phase

Acceleration = Callable[[Tensor], Tensor]
State = tuple[Tensor, ...]
"""What an integrator goes on from, (r, b, n) each."""
MOST_SINE = 0.9999


class VelocityVerlet:
    """State: q, v, F(q)."""

    def begin(self, force: Acceleration, q: Tensor, v: Tensor, h: float) -> State:
        """At a point."""
        return q, v, force(q)

    def step(self, force: Acceleration, state: State, h: float) -> State:
        """One step."""
        q, v, before = state
        q = q + h * v + (h * h / 2) * before
        after = force(q)
        return q, v + (h / 2) * (before + after), after

    def read(self, state: State, h: float) -> Phase:
        """q, v."""
        return state[0], state[1]

    def momentum(self, v: Tensor, h: float) -> Tensor:
        """What goes with q, by the mass."""
        return v

    def velocity(self, p: Tensor, h: float) -> Tensor:
        """The inverse."""
        return p


class StormerVerlet(VelocityVerlet):
    """State: q_t, q_{t+1}, q_{t-1}; the velocity is read off both neighbours."""

    def begin(self, force: Acceleration, q: Tensor, v: Tensor, h: float) -> State:
        """q_1 and, by the same step back in time, q_{-1}."""
        pull = (h * h / 2) * force(q)
        return q, q + h * v + pull, q - h * v + pull

    def step(self, force: Acceleration, state: State, h: float) -> State:
        """One step."""
        q, after, _ = state
        return after, 2 * after - q + h * h * force(after), q

    def read(self, state: State, h: float) -> Phase:
        """The central difference."""
        q, after, before = state
        return q, (after - before) / (2 * h)


class Circle(VelocityVerlet):
    """State: q, p / M, F(q)."""

    def begin(self, force: Acceleration, q: Tensor, v: Tensor, h: float) -> State:
        """At a point."""
        return q, self.momentum(v, h), force(q)

    def step(self, force: Acceleration, state: State, h: float) -> State:
        """One step."""
        q, p, before = state
        half = p + (h / 2) * before
        q = q + h * self.velocity(half, h)
        after = force(q)
        return q, half + (h / 2) * after, after

    def read(self, state: State, h: float) -> Phase:
        """q and asin(h p) / h."""
        return state[0], self.velocity(state[1], h)

    def momentum(self, v: Tensor, h: float) -> Tensor:
        """sin(h v) / h."""
        return (h * v).sin() / h

    def velocity(self, p: Tensor, h: float) -> Tensor:
        """asin(h p) / h."""
        return (h * p).clamp(-MOST_SINE, MOST_SINE).asin() / h


class ExplicitEuler(VelocityVerlet):
    """State: q, v."""

    def begin(self, force: Acceleration, q: Tensor, v: Tensor, h: float) -> State:
        """At a point."""
        return q, v

    def step(self, force: Acceleration, state: State, h: float) -> State:
        """One step."""
        q, v = state
        return q + h * v, v + h * force(q)
