"""Signals known in closed form: sums of sines, a square wave, a pendulum, a mass on a spring.

A signal turns by `frequency x step` a tick. That rate is kept as a fraction p / q, and the phase (n p mod q) / q of
tick n is reckoned in whole numbers: it is as exact at tick 10^12 as at tick 0.
"""

from __future__ import annotations

from fractions import Fraction
from math import cos, pi, sin

import numpy as np
from scipy.special import ellipj, ellipkm1

from hl_cli.errors import BadInput

HALF = 2**20
FINEST = HALF**2  # largest q: a product of a number below it and one below HALF fits 64 bits
STEEPEST = 3.1415  # largest angle of a pendulum: nearer to pi the elliptic functions of SciPy lose digits


def turns(field: str, frequency: float, step: float, per_turn: float = 1.0) -> Fraction:
    """Turns a tick, frequency x step / per_turn, of the decimals as they are written.

    Exact for decimals of up to 12 places in all, as 0.11 Hz x 0.1 = 11/1000; else within a part in 2^40 of it.
    """
    exact = Fraction(str(frequency)) * Fraction(str(step)) / Fraction(str(per_turn))
    if exact * FINEST < 1:
        raise BadInput(
            f"stream.{field}={frequency}: too slow for stream.step={step}; allowed: at least a turn in 10^12 ticks"
        )
    return exact.limit_denominator(FINEST)


def phase(ticks: np.ndarray, rate: Fraction) -> np.ndarray:
    """Whole numbers c, with c / q the part of a turn at each tick; exact for ticks below 2^63."""
    p, q = rate.numerator % rate.denominator, rate.denominator
    high, low = np.divmod(ticks % q, HALF)
    return (high * (HALF * p % q) + low * p) % q


class ClosedForm:
    """A signal that knows its values at any tick; the next tick is its whole state.

    name, formula: for the report; width: values a tick.
    """

    name: str
    formula: str
    width = 1

    def __init__(self) -> None:
        self._tick = 0

    def at(self, ticks: np.ndarray) -> np.ndarray:
        """Values at these ticks (whole numbers): (ticks, width)."""
        raise NotImplementedError(f"{type(self).__name__} does not say its values")

    def take(self, count: int) -> np.ndarray:
        """Give the values at the next `count` ticks: (count, width)."""
        ticks = np.arange(self._tick, self._tick + count)
        self._tick += count
        return self.at(ticks)

    def state_dict(self) -> dict[str, int]:
        """The next tick."""
        return {"tick": self._tick}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go to that tick."""
        self._tick = state["tick"]


class Sine(ClosedForm):
    """sum_k a_k sin(2 pi f_k t), frequencies in Hz, t = step x tick, or in each second stretch of ticks a constant.

    patch: ticks of a stretch, 0 for no constant; the sines go on beneath it.
    """

    name = "sine"

    def __init__(
        self, frequencies: list[float], amplitudes: list[float], step: float, patch: int = 0, constant: float = 0.5
    ) -> None:
        super().__init__()
        self._patch, self._constant = patch, constant
        if len(frequencies) != len(amplitudes) or not frequencies:
            raise BadInput(
                f"stream.frequencies={frequencies}, stream.amplitudes={amplitudes}: {len(frequencies)} and "
                f"{len(amplitudes)} numbers; allowed: one amplitude for each frequency, at least one of each"
            )
        self.formula = f"sum of a sin(2 pi f t), f = {frequencies} Hz, a = {amplitudes}, step {step}"
        self.formula += f"; {constant} in each second stretch of {patch} ticks" if patch else ""
        self._sines = [(turns("frequencies", f, step), a) for f, a in zip(frequencies, amplitudes, strict=True)]

    def at(self, ticks: np.ndarray) -> np.ndarray:
        """Values at these ticks: (ticks, 1)."""
        total = np.zeros(len(ticks))
        for rate, amplitude in self._sines:
            total += amplitude * np.sin(phase(ticks, rate) * (2 * pi / rate.denominator))
        if self._patch:
            total[ticks // self._patch % 2 == 1] = self._constant
        return total[:, None]


class Square(ClosedForm):
    """+a in the first half of each period, its beginning included, and -a in the second, its beginning included."""

    name = "square"

    def __init__(self, frequency: float, amplitude: float, step: float) -> None:
        super().__init__()
        self.formula = f"square wave of {frequency} Hz and amplitude {amplitude}, step {step}"
        self._rate, self._amplitude = turns("frequency", frequency, step), amplitude

    def at(self, ticks: np.ndarray) -> np.ndarray:
        """Values at these ticks: (ticks, 1); whole numbers decide at the edges, so that rounding cannot."""
        up = 2 * phase(ticks, self._rate) < self._rate.denominator
        return np.where(up, self._amplitude, -self._amplitude)[:, None]


class MassSpring(ClosedForm):
    """x'' = -w^2 x from x = amplitude at rest, w = 2 pi frequency: x = a cos(w t) and its velocity -a w sin(w t)."""

    name, width = "mass_spring", 2

    def __init__(self, frequency: float, amplitude: float, step: float) -> None:
        super().__init__()
        self.formula = f"x'' = -(2 pi f)^2 x, f = {frequency} Hz, from rest at x = {amplitude}, step {step}"
        self._rate, self._amplitude = turns("frequency", frequency, step), amplitude
        self._speed = 2 * pi * frequency * amplitude

    def at(self, ticks: np.ndarray) -> np.ndarray:
        """Position and velocity (1/s) at these ticks: (ticks, 2)."""
        angle = phase(ticks, self._rate) * (2 * pi / self._rate.denominator)
        return np.stack((self._amplitude * np.cos(angle), -self._speed * np.sin(angle)), axis=1)


class Pendulum(ClosedForm):
    """y'' = -w^2 sin y from rest at the largest angle A, w = 2 pi frequency.

    y = 2 asin(k cd(u)) and y' = -2 k k' w sd(u), with u = w t, k = sin(A/2), k' = cos(A/2); the period is 4 K(k) / w
    (Whittaker, A Treatise on the Analytical Dynamics, 1904, section 44).
    """

    name, width = "pendulum", 2

    def __init__(self, frequency: float, angle: float, step: float) -> None:
        super().__init__()
        if not 0 < angle <= STEEPEST:
            raise BadInput(f"stream.angle={angle}: allowed: above 0, at most {STEEPEST} radians")
        self.formula = f"y'' = -(2 pi f)^2 sin y, f = {frequency} Hz, from rest at y = {angle}, step {step}"
        self._k, self._rest = sin(angle / 2), cos(angle / 2)
        self._quarter = float(ellipkm1(self._rest**2))
        self._pull = 2 * pi * frequency
        self._rate = turns("frequency", frequency, step, 2 * self._quarter / pi)

    def at(self, ticks: np.ndarray) -> np.ndarray:
        """Angle (radians) and angular velocity (1/s) at these ticks: (ticks, 2)."""
        u = phase(ticks, self._rate) * (4 * self._quarter / self._rate.denominator)
        sn, cn, dn, _ = ellipj(u, self._k**2)
        angle = 2 * np.arcsin(np.clip(self._k * cn / dn, -1, 1))
        return np.stack((angle, -2 * self._k * self._rest * self._pull * sn / dn), axis=1)
