"""The Mackey-Glass delay equation."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, exp

import numpy as np
import torch
from scipy.signal import lfilter
from torch import Tensor

from hl_cli.config.fields import described
from hl_cli.config.registry import choice
from hl_cli.config.signals import SignalConfig
from hl_cli.errors import BadInput
from hl_cli.streams.flows import check_step


@choice("stream", home="MackeyGlass")
@dataclass
class MackeyGlassConfig(SignalConfig):
    """The Mackey-Glass delay equation."""

    delay: float = described(17.0, "time units; chaos from about 17 up", above=0)


class MackeyGlass:
    """x' = 0.2 x(t - delay) / (1 + x(t - delay)^10) - 0.1 x (M. C. Mackey, L. Glass, 1977); the values are x - 0.93.

    0.93 is the long-run mean at a delay of 17: a signal far from 0 is hard on gradient steps. It starts 1000 time
    units, at least four delays, after a constant 1.2. For less than a delay ahead the delayed term f is known, which
    leaves a linear equation: x(t + h) = e^(-0.1 h) x(t) + the integral of e^(-0.1 (t + h - s)) f(s), by the cubic
    through the values at t - h, t, t + h and t + 2h: order 4. h is step / m, at most 0.1, and divides the delay.

    Where the constant ends x has a kink: derivative k + 1 jumps at k delays (Bellen, Zennaro, Numerical Methods for
    Delay Differential Equations, section 2.1). The first four delays are integrated one by one, each by cubics
    through values of one delay only.
    """

    name, width = "mackey_glass", 1
    GAIN, POWER, DECAY = 0.2, 10, 0.1
    LONGEST, SHORTEST = 0.1, 0.001  # of the inner step h, time units
    CENTRE = 0.93
    # Integral from t to t + h of the cubic through four values, over h: where the first is at t, t - h and t - 2h.
    AHEAD, CUBIC, BEHIND = (np.array(w) / 24 for w in ((9, 19, -5, 1), (-1, 13, 13, -1), (1, -5, 19, 9)))
    START, ROUGH = 1.2, 4  # the constant, and the delays with a jump at their end
    BEGIN = 1000.0  # time units before the first value

    def __init__(self, delay: float, step: float) -> None:
        check_step(step)
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
        kept = h * np.exp(-self.DECAY * h * (1 - np.arange(-2, 4)))  # of a value at t - 2h .. t + 3h
        self._ahead, self._weights, self._behind = self.AHEAD * kept[2:], self.CUBIC * kept[1:5], self.BEHIND * kept[:4]
        self._reach = int(ratio * self._inner)  # inner steps in a delay
        self._past = self._first_delays()  # the last value is x(t)
        self._go(ceil(max(self.BEGIN, self.ROUGH * delay) / step) * self._inner - self.ROUGH * self._reach)

    def _first_delays(self) -> np.ndarray:
        """Integrate the delays that end in a jump, and give the values over the last and the inner step before it."""
        before = after = np.full(self._reach + 1, self.START)
        for _ in range(self.ROUGH):
            before, f = after, self._force(after)
            middle = np.correlate(f, self._weights, "valid")
            sums = np.concatenate(([f[:4] @ self._ahead], middle, [f[-4:] @ self._behind]))
            after = np.concatenate((before[-1:], self._forced(before[-1], sums)))
        return np.concatenate((before[-2:-1], after))

    def _force(self, delayed: np.ndarray) -> np.ndarray:
        return self.GAIN * delayed / (1 + delayed**self.POWER)

    def _forced(self, x: float, sums: np.ndarray) -> np.ndarray:
        """The values after x, given the integral of each inner step."""
        values, _ = lfilter([1.0], [1.0, -self._decay], sums, zi=[self._decay * x])
        return np.asarray(values)

    def _go(self, left: int) -> np.ndarray:
        """Go on by so many inner steps and give them all, in blocks one inner step shorter than the delay."""
        blocks = [np.empty(0)]
        while left:
            size = min(left, self._reach - 1)
            sums = np.correlate(self._force(self._past[: size + 3]), self._weights, "valid")
            block = self._forced(self._past[-1], sums)
            self._past = np.concatenate((self._past[size:], block))
            blocks.append(block)
            left -= size
        return np.concatenate(blocks)

    def take(self, count: int) -> np.ndarray:
        """Give the next values: (count, 1)."""
        return self._go(count * self._inner)[self._inner - 1 :: self._inner, None] - self.CENTRE

    def state_dict(self) -> dict[str, Tensor]:
        """The values over one delay and two inner steps."""
        return {"past": torch.from_numpy(self._past.copy())}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Go on after those values."""
        self._past = state["past"].cpu().numpy().copy()
