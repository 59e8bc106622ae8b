"""The configs of generated signals."""

from __future__ import annotations

from dataclasses import dataclass

from hl_cli.config.fields import described
from hl_cli.config.stream import Stream
from hl_cli.types import COUNTS


@dataclass
class Signal(Stream):
    """A generated signal without end: the next value, horizon ticks ahead."""

    step: float = described(0.1, "time between two ticks", above=0)
    ticks: int = described(16, "values that a sample sees", least=1)
    horizon: int = described(1, "ticks from the last value seen to the one predicted", least=1)
    counts: str = described("last", "ticks with a target: the last of a sample, or every one", choices=COUNTS)
    held_out: int = described(
        1000, "samples kept for evaluation, from the beginning of the signal", least=1, most=10**6
    )
    blind: bool = described(False, "see nothing: the net has to make the signal by itself")


@dataclass
class Sine(Signal):
    """A sum of sines."""

    frequencies: list[float] = described([0.11, 0.07, 0.05], "Hz", above=0)
    amplitudes: list[float] = described([0.5, 0.1, 0.1], "of each sine")
    patch: int = described(0, "in each second stretch of so many ticks the value is constant; 0: never", least=0)
    constant: float = described(0.5, "that value")


@dataclass
class Square(Signal):
    """A square wave."""

    frequency: float = described(0.06, "Hz", above=0)
    amplitude: float = described(0.5, "of the wave", above=0)


@dataclass
class Lorenz(Signal):
    """The Lorenz attractor, three values a tick, each divided by a fixed scale."""

    sigma: float = described(10.0, "Prandtl number", above=0)
    rho: float = described(28.0, "Rayleigh number", above=0)
    beta: float = described(8 / 3, "geometric factor", above=0)


@dataclass
class MackeyGlass(Signal):
    """The Mackey-Glass delay equation."""

    delay: float = described(17.0, "time units; chaos from about 17 up", above=0)


@dataclass
class Pendulum(Signal):
    """A pendulum without friction: angle and angular velocity, in closed form."""

    frequency: float = described(0.1, "Hz, of small swings", above=0)
    angle: float = described(1.0, "radians, the largest", above=0, most=3.1415)


@dataclass
class MassSpring(Signal):
    """A mass on a spring without friction: position and velocity, in closed form."""

    frequency: float = described(0.1, "Hz", above=0)
    amplitude: float = described(1.0, "largest position", above=0)
