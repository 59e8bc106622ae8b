"""The Lorenz attractor."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, prod

import numpy as np

from hl_cli.config.fields import described
from hl_cli.config.registry import choice
from hl_cli.config.signals import SignalConfig
from hl_cli.errors import BadInput
from hl_cli.streams.flows import check_step
from hl_cli.streams.orbit import without_python

Point = tuple[float, float, float]
Rule = tuple[int, float, float, float, float]
"""Of so many substeps: pairs of them, h, 2 h, 2 h sigma, and how much its result counts."""


@choice("stream", home="Lorenz")
@dataclass
class LorenzConfig(SignalConfig):
    """The Lorenz attractor, three values a tick, each divided by a fixed scale."""

    sigma: float = described(10.0, "Prandtl number", above=0)
    rho: float = described(28.0, "Rayleigh number", above=0)
    beta: float = described(8 / 3, "geometric factor", above=0)


class Lorenz:
    """x' = sigma (y - x), y' = x (rho - z) - y, z' = x y - beta z, seen as x/20, y/25, z/45 (E. N. Lorenz, 1963).

    It starts 20 time units after (1, 1, 1), which is on the attractor. Integrated by Gragg's midpoint rule with 2,
    4, .. 14 substeps, extrapolated to order 14 (Hairer, Norsett, Wanner, Solving ODEs I, section II.9): at the usual
    parameters a tick of 0.05 is exact to about 1e-9. Ticks are those of hl_cli.streams.orbit where it is kept, or where
    many are asked for.
    """

    name, width = "lorenz", 3
    SCALES = np.array([20.0, 25.0, 45.0])
    LONGEST = 0.05  # integration step, time units, for sigma + rho + beta up to PACE
    PACE = 41.0  # the sum of the usual 10, 28 and 8/3; a larger one moves faster and gets shorter steps
    FASTEST = 1000.0
    SUBSTEPS = (2, 4, 6, 8, 10, 12, 14)
    MANY = 10_000  # ticks that take Python as long as the compiler

    def __init__(self, sigma: float, rho: float, beta: float, step: float) -> None:
        check_step(step)
        pace = sigma + rho + beta
        if pace > self.FASTEST:
            raise BadInput(
                f"stream.sigma={sigma}, stream.rho={rho}, stream.beta={beta}: too fast to be integrated; allowed: "
                f"a sum of at most {self.FASTEST:g}"
            )
        self.formula = (
            f"x' = sigma (y - x), y' = x (rho - z) - y, z' = x y - beta z, sigma = {sigma}, rho = {rho}, "
            f"beta = {beta}, seen as x/20, y/25, z/45, step {step}"
        )
        self._constants, self._step = (sigma, rho, beta), step
        self._longest = self.LONGEST / max(1.0, pace / self.PACE)
        ns = self.SUBSTEPS  # the result with n of them counts prod n^2 / (n^2 - i^2) over the others, i
        self._rules = [(n, prod(n * n / (n * n - i * i) for i in ns if i != n)) for n in ns]
        self._taken = 0
        self._point: Point = (1.0, 1.0, 1.0)
        self._orbit(self._longest, ceil(20 / self._longest))

    def _orbit(self, step: float, count: int) -> np.ndarray:
        """Go on by `count` ticks of `step`: (count, 3)."""
        parts = ceil(step / self._longest * (1 - 1e-12))
        sizes = [(n // 2 - 1, step / parts / n, weight) for n, weight in self._rules]
        rules = [(pairs, h, 2 * h, 2 * h * self._constants[0], weight) for pairs, h, weight in sizes]
        self._taken += count
        native = without_python(self._taken > self.MANY)
        if native is None or not count:
            return np.array(self._in_python(rules, parts, count)).reshape(count, 3)
        orbit = native(self._point, self._constants, rules, parts, count)
        x, y, z = orbit[-1].tolist()
        self._point = (x, y, z)
        return orbit

    def _in_python(self, rules: list[Rule], parts: int, count: int) -> list[Point]:
        """The same in plain floats: arrays of three numbers would take ten times as long."""
        sigma, rho, beta = self._constants
        x, y, z = self._point
        orbit = []
        for _ in range(count):
            for _ in range(parts):
                dx, dy, dz = sigma * (y - x), x * (rho - z) - y, x * y - beta * z
                xs = ys = zs = 0.0
                for pairs, h, k, ks, weight in rules:
                    px, py, pz = x, y, z
                    qx, qy, qz = x + h * dx, y + h * dy, z + h * dz
                    for _ in range(pairs):  # p goes on by the slope at q, then q by the slope at p
                        px += ks * (qy - qx)
                        py += k * (qx * (rho - qz) - qy)
                        pz += k * (qx * qy - beta * qz)
                        qx += ks * (py - px)
                        qy += k * (px * (rho - pz) - py)
                        qz += k * (px * py - beta * pz)
                    xs += weight * (px + ks * (qy - qx))
                    ys += weight * (py + k * (qx * (rho - qz) - qy))
                    zs += weight * (pz + k * (qx * qy - beta * qz))
                x, y, z = xs, ys, zs
            orbit.append((x, y, z))
        self._point = (x, y, z)
        return orbit

    def take(self, count: int) -> np.ndarray:
        """Give the next values: (count, 3)."""
        return self._orbit(self._step, count) / self.SCALES

    def state_dict(self) -> dict[str, list[float]]:
        """The last point."""
        return {"point": list(self._point)}

    def load_state_dict(self, state: dict[str, list[float]]) -> None:
        """Go to that point."""
        x, y, z = state["point"]
        self._point = (x, y, z)
