"""Streams of generated signals: the values a few ticks ahead, from those so far. Nothing but two pieces is kept.

There is nothing random in a signal, so that the seed changes nothing.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import torch

from hl_cli.streams.rows import Rows
from hl_cli.streams.windows import PIECE, Windows
from hl_cli.types import Task


class Signal(Protocol):
    """A sequence of values without end. name, formula: for the report; width: values a tick."""

    name: str
    formula: str
    width: int

    def take(self, count: int) -> np.ndarray:
        """Give the next `count` values: (count, width), always the same from the same state."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """What the next values follow from."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go to where state_dict was taken."""
        ...


def rows(now: np.ndarray, ahead: np.ndarray, blind: bool = False) -> Rows:
    """Rows of a signal: input and baseline are its values at a tick, the target those `horizon` ticks later.

    blind: the input is zero, so that a net has to make the signal by itself.
    """
    here = torch.from_numpy(now)
    return Rows(torch.zeros_like(here) if blind else here, torch.from_numpy(ahead), here)


class Ahead:
    """The rows of a signal from its state on, a piece at a time; a piece is never shorter than the horizon."""

    def __init__(self, signal: Signal, horizon: int, blind: bool = False) -> None:
        self._signal, self._horizon, self._blind = signal, horizon, blind
        self._size = max(PIECE, horizon)
        self._mark: dict[str, Any] | None = None  # state of the signal before the piece that comes next
        self._piece = np.empty(0)

    def _take(self) -> None:
        self._mark, self._piece = self._signal.state_dict(), self._signal.take(self._size)

    def __next__(self) -> Rows:
        if self._mark is None:
            self._take()
        now = self._piece
        self._take()
        return rows(now, np.concatenate((now[self._horizon :], self._piece[: self._horizon])), self._blind)

    def state_dict(self) -> dict[str, Any]:
        """The state of the signal before the next piece."""
        return self._signal.state_dict() if self._mark is None else self._mark

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go to where state_dict was taken."""
        self._signal.load_state_dict(state)
        self._mark = None


class SignalStream(Windows):
    """An endless stream over one signal; the target is its value `horizon` ticks ahead, the baseline its value now.

    blind: the inputs are zeros. The first `held_out` samples are held out. The stream starts after the last value that
    they ask for.
    """

    licence = "none needed"

    def __init__(
        self,
        signal: Signal,
        ticks: int = 16,
        horizon: int = 1,
        targets: str = "last",
        held_out: int = 1000,
        blind: bool = False,
        batch_size: int = 1,
        dtype: torch.dtype = torch.float32,
        device: str = "cpu",
    ) -> None:
        self.name, self.origin = signal.name, f"generated: {signal.formula}"
        count = held_out * ticks if targets == "all" else held_out + ticks - 1
        first = signal.take(count + horizon)
        task = Task("values", signal.width, targets)
        super().__init__(
            Ahead(signal, horizon, blind),
            rows(first[:count], first[horizon:], blind),
            task,
            ticks,
            batch_size,
            dtype,
            device,
        )
