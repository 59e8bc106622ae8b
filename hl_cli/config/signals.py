"""The configs of generated signals."""

from __future__ import annotations

from dataclasses import dataclass

from hl_cli.config.fields import described
from hl_cli.config.stream import StreamConfig
from hl_cli.types import TARGETS


@dataclass
class SignalConfig(StreamConfig):
    """A generated signal without end: the next value, horizon ticks ahead."""

    step: float = described(0.1, "time between two ticks", above=0)
    ticks: int = described(16, "values that a sample sees", least=1)
    horizon: int = described(1, "ticks from the last value seen to the one predicted", least=1)
    targets: str = described("last", "ticks with a target: the last of a sample, or all", choices=TARGETS)
    held_out: int = described(
        1000, "samples kept for evaluation, from the beginning of the signal", least=1, most=10**6
    )
    blind: bool = described(False, "see nothing: the net has to make the signal by itself")
