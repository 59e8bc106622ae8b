"""Sums of sines and square waves, in closed form."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

import numpy as np

from hl_cli.config.fields import described
from hl_cli.config.registry import choice
from hl_cli.config.signals import SignalConfig
from hl_cli.errors import BadInput
from hl_cli.streams.closed_form import ClosedForm, phase, turns


@choice("stream", home="Sine")
@dataclass
class SineConfig(SignalConfig):
    """A sum of sines."""

    frequencies: list[float] = described([0.11, 0.07, 0.05], "Hz", above=0)
    amplitudes: list[float] = described([0.5, 0.1, 0.1], "of each sine")
    patch: int = described(0, "in each second stretch of so many ticks the value is constant; 0: never", least=0)
    constant: float = described(0.5, "that value")


@choice("stream", home="Square")
@dataclass
class SquareConfig(SignalConfig):
    """A square wave."""

    frequency: float = described(0.06, "Hz", above=0)
    amplitude: float = described(0.5, "of the wave", above=0)


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
