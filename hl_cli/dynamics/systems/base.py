r"""The contract of a physical system: positions q and velocities v, (..., n) each, in float64.

    energy(q, v)          (...,)             H, above its lowest value where it has one
    acceleration(q, v)    (..., n)           d^2 q / dt^2, exact
    constants(q, v)       name to (...,)     what else stays the same along a trajectory: momentum, angular momentum
    momentum(q, v)        (..., n)           p = dL/dv, M v unless the mass depends on q
    draw(count, g)        (count, n) twice   starts
    potential(q)          (...,)             V, or None where the mass depends on q

A trajectory is integrated by Dormand and Prince's method of order 8 with a relative tolerance of 1e-11 in each step
(Hairer, Norsett, Wanner, Solving ODEs I, II.5): energies stay to about 1e-8 over 100 time units, which tests check.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from hl_cli.dynamics.phase_space import Phase

TOLERANCE = 1e-11


class System:
    """n: positions; mass: (n,), of the kinetic energy.

    dt: between points; horizon: steps of a forecast; noise: of what is observed: unless the user says others. bodies:
    of whose places in a plane the positions consist; angles: whether they are angles; conserved: whether an energy is
    known; frequency: the largest angular frequency of small motions about its rest, None where there is no such thing.
    """

    n: int
    mass: Tensor
    dt: float = 0.1
    horizon: ClassVar[int] = 1000
    noise: ClassVar[float] = 0.1
    bodies: ClassVar[int] = 1
    angles: ClassVar[bool] = False
    conserved: ClassVar[bool] = True
    frequency: float | None = None

    @property
    def plane(self) -> bool:
        """Whether the phase space is a plane."""
        return self.n == 1

    def draw(self, count: int, generator: torch.Generator) -> Phase:
        """So many starts."""
        raise NotImplementedError

    def acceleration(self, q: Tensor, v: Tensor) -> Tensor:
        """Of Lagrange's equations."""
        raise NotImplementedError

    def energy(self, q: Tensor, v: Tensor) -> Tensor:
        """Kinetic and potential."""
        potential = self.potential(q)
        assert potential is not None
        return (self.mass * v * v).sum(-1) / 2 + potential

    def potential(self, q: Tensor) -> Tensor | None:
        """V(q)."""
        return None

    def momentum(self, q: Tensor, v: Tensor) -> Tensor:
        """p = M v."""
        return self.mass * v

    def constants(self, q: Tensor, v: Tensor) -> dict[str, Tensor]:
        """Beside the energy."""
        return {}

    def sample(self, count: int, steps: int, dt: float, generator: torch.Generator, held_out: bool) -> Phase:
        """So many true motions, (steps + 1, count, n) twice; held_out: for judging, not for training."""
        return self.trajectory(*self.draw(count, generator), dt, steps)

    def longest(self, held_out: bool) -> int | None:
        """Steps of the longest motion that is known; None: as many as wanted."""
        return None

    def trajectory(self, q: Tensor, v: Tensor, dt: float, steps: int) -> Phase:
        """The true motion from (count, n) starts: (steps + 1, count, n) twice, the starts first."""
        from scipy.integrate import solve_ivp  # most runs integrate nothing, and it takes long to import

        shape = q.shape

        def slope(_: float, flat: np.ndarray) -> np.ndarray:
            at, speed = torch.from_numpy(flat).view(2, *shape)
            return torch.stack([speed, self.acceleration(at, speed)]).flatten().numpy()

        begin, times = torch.stack([q, v]).flatten().numpy(), np.arange(steps + 1) * dt
        found = solve_ivp(
            slope, (0.0, times[-1]), begin, "DOP853", times, rtol=TOLERANCE, atol=TOLERANCE, max_step=dt
        )  # fmt: skip
        points = torch.from_numpy(found.y.T.copy()).view(steps + 1, 2, *shape)
        return points[:, 0], points[:, 1]


def uniform(low: float, high: float, shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Between two bounds."""
    return low + (high - low) * torch.rand(shape, generator=generator, dtype=torch.float64)


def signs(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """-1 or 1."""
    return 2.0 * torch.randint(2, shape, generator=generator).double() - 1
