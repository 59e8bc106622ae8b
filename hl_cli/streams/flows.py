"""Signals that follow from an equation of motion, integrated numerically from one tick to the next."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, exp

import numpy as np
import torch
from scipy.signal import lfilter
from torch import Tensor

from hl_cli.errors import BadInput

Point = tuple[float, float, float]
WIDEST = 100.0  # time units between two ticks


def _check(step: float) -> None:
    """A tick takes as long to integrate as it is wide."""
    if step > WIDEST:
        raise BadInput(f"stream.step={step}: allowed: at most {WIDEST:g} time units, all of which are integrated")


class Lorenz:
    """x' = sigma (y - x), y' = x (rho - z) - y, z' = x y - beta z, seen as x/20, y/25, z/45 (E. N. Lorenz, 1963).

    It starts 20 time units after (1, 1, 1), which is on the attractor. Integrated by Gragg's midpoint rule with 2,
    4, 6 and 8 substeps, extrapolated to order 8 (Hairer, Norsett, Wanner, Solving ODEs I, section II.9).
    """

    name, width = "lorenz", 3
    SCALES = np.array([20.0, 25.0, 45.0])
    LONGEST = 0.05  # integration step, time units, for sigma + rho + beta up to PACE
    PACE = 41.0  # the sum of the usual 10, 28 and 8/3; a larger one moves faster and gets shorter steps
    FASTEST = 1000.0
    # Pairs of substeps between the first and the last; a substep, as a part of the step; the weight of the result,
    # prod n^2 / (n^2 - i^2) over the other numbers of substeps i.
    RULES = ((0, 1 / 2, -1 / 360), (1, 1 / 4, 16 / 45), (2, 1 / 6, -729 / 280), (3, 1 / 8, 1024 / 315))

    def __init__(self, sigma: float, rho: float, beta: float, step: float) -> None:
        _check(step)
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
        self._point: Point = (1.0, 1.0, 1.0)
        self._orbit(self._longest, ceil(20 / self._longest))

    def _orbit(self, step: float, count: int) -> list[Point]:
        """Go on by `count` ticks of `step`, in plain floats: arrays of three numbers would take ten times as long."""
        sigma, rho, beta = self._constants
        x, y, z = self._point
        parts = ceil(step / self._longest * (1 - 1e-12))
        rules = [(pairs, step / parts * part, weight) for pairs, part, weight in self.RULES]
        orbit = []
        for _ in range(count):
            for _ in range(parts):
                dx, dy, dz = sigma * (y - x), x * (rho - z) - y, x * y - beta * z
                xs = ys = zs = 0.0
                for pairs, h, weight in rules:
                    k = 2 * h
                    px, py, pz = x, y, z
                    qx, qy, qz = x + h * dx, y + h * dy, z + h * dz
                    for _ in range(pairs):  # p goes on by the slope at q, then q by the slope at p
                        px += k * sigma * (qy - qx)
                        py += k * (qx * (rho - qz) - qy)
                        pz += k * (qx * qy - beta * qz)
                        qx += k * sigma * (py - px)
                        qy += k * (px * (rho - pz) - py)
                        qz += k * (px * py - beta * pz)
                    xs += weight * (px + k * sigma * (qy - qx))
                    ys += weight * (py + k * (qx * (rho - qz) - qy))
                    zs += weight * (pz + k * (qx * qy - beta * qz))
                x, y, z = xs, ys, zs
            orbit.append((x, y, z))
        self._point = (x, y, z)
        return orbit

    def take(self, count: int) -> np.ndarray:
        """Give the next values: (count, 3)."""
        return np.array(self._orbit(self._step, count)) / self.SCALES

    def state_dict(self) -> dict[str, list[float]]:
        """The last point."""
        return {"point": list(self._point)}

    def load_state_dict(self, state: dict[str, list[float]]) -> None:
        """Go to that point."""
        x, y, z = state["point"]
        self._point = (x, y, z)


class MackeyGlass:
    """x' = 0.2 x(t - delay) / (1 + x(t - delay)^10) - 0.1 x (M. C. Mackey, L. Glass, 1977); the values are x - 0.93.

    0.93 is the long-run mean at a delay of 17: a signal far from 0 is hard on gradient steps. It starts 1000 time
    units after a constant 1.2. For less than a delay ahead the delayed term f is known, which leaves a linear
    equation: x(t + h) = e^(-0.1 h) x(t) + the integral of e^(-0.1 (t + h - s)) f(s), by the cubic through the values
    at t - h, t, t + h and t + 2h: order 4. h is step / m, at most 0.1, and divides the delay.
    """

    name, width = "mackey_glass", 1
    GAIN, POWER, DECAY = 0.2, 10, 0.1
    LONGEST, SHORTEST = 0.1, 0.001  # of the inner step h, time units
    CENTRE = 0.93
    CUBIC = (-1 / 24, 13 / 24, 13 / 24, -1 / 24)  # integral from t to t + h of that cubic, over h

    def __init__(self, delay: float, step: float) -> None:
        _check(step)
        ratio = Fraction(str(delay)) / Fraction(str(step))
        longest = min(self.LONGEST, delay / 4)
        unit = ratio.denominator  # an inner step divides the delay where unit divides the inner steps of a tick
        self._inner = ceil(step / longest / unit * (1 - 1e-12)) * unit
        h = step / self._inner
        if h < self.SHORTEST:
            raise BadInput(
                f"stream.delay={delay}: no inner step from {self.SHORTEST} to {longest:g} divides both it and "
                f"stream.step={step}; allowed: a delay that is a whole multiple of the step or of a simple part of it"
            )
        equation = f"x' = 0.2 x(t - delay) / (1 + x(t - delay)^10) - 0.1 x, less {self.CENTRE}"
        self.formula = f"{equation}, delay {delay}, step {step} in {self._inner} parts"
        self._decay = exp(-self.DECAY * h)
        self._weights = [h * w * exp(-self.DECAY * h * (1 - j)) for j, w in zip((-1, 0, 1, 2), self.CUBIC, strict=True)]
        self._reach = int(ratio * self._inner)  # inner steps in a delay
        self._past = np.full(self._reach + 2, 1.2)  # the last value is x(t)
        self._go(ceil(1000 / step))

    def _go(self, ticks: int) -> np.ndarray:
        """Go on by so many ticks and give all inner steps, in blocks one inner step shorter than the delay."""
        blocks = []
        left = ticks * self._inner
        while left:
            size = min(left, self._reach - 1)
            delayed = self._past[: size + 3]
            force = np.correlate(self.GAIN * delayed / (1 + delayed**self.POWER), self._weights, "valid")
            block, _ = lfilter([1.0], [1.0, -self._decay], force, zi=[self._decay * self._past[-1]])
            self._past = np.concatenate((self._past[size:], block))
            blocks.append(block)
            left -= size
        return np.concatenate(blocks)

    def take(self, count: int) -> np.ndarray:
        """Give the next values: (count, 1)."""
        return self._go(count)[self._inner - 1 :: self._inner, None] - self.CENTRE

    def state_dict(self) -> dict[str, Tensor]:
        """The values over one delay and two inner steps."""
        return {"past": torch.from_numpy(self._past.copy())}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Go on after those values."""
        self._past = state["past"].cpu().numpy().copy()
