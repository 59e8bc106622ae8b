"""Signals known in closed form.

A signal turns by `frequency x step` a tick. That rate is kept as a fraction p / q, and the phase (n p mod q) / q of
tick n is reckoned in whole numbers: it is as exact at tick 10^12 as at tick 0.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from hl_cli.errors import BadInput

HALF = 2**20
FINEST = HALF**2  # largest q: a product of a number below it and one below HALF fits 64 bits


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
