"""Swings without friction, in closed form: a mass on a spring and a pendulum."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi, sin

import numpy as np
from scipy.special import ellipj, ellipkm1

from hl_cli.config.fields import described
from hl_cli.config.registry import choice
from hl_cli.config.signals import SignalConfig
from hl_cli.errors import BadInput
from hl_cli.streams.closed_form import ClosedForm, phase, turns

STEEPEST = 3.1415  # largest angle of a pendulum: nearer to pi the elliptic functions of SciPy lose digits


@choice("stream", home="Pendulum")
@dataclass
class PendulumConfig(SignalConfig):
    """A pendulum without friction: angle and angular velocity, in closed form."""

    frequency: float = described(0.1, "Hz, of small swings", above=0)
    angle: float = described(1.0, "radians, the largest", above=0, most=3.1415)


@choice("stream", home="MassSpring")
@dataclass
class MassSpringConfig(SignalConfig):
    """A mass on a spring without friction: position and velocity, in closed form."""

    frequency: float = described(0.1, "Hz", above=0)
    amplitude: float = described(1.0, "largest position", above=0)


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
