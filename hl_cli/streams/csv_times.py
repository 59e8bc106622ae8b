"""Checks that the times of a series go forward in even steps."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime

import numpy as np

from hl_cli.streams.source_file import shown

TOLERANCE = 0.01  # of a step: written times are rounded, and a missing row is off by a whole step


def finite(text: str) -> float:
    """Parse a finite number; raises ValueError."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def reader(first: str) -> tuple[Callable[[str], float], str, str]:
    """Tell how the cells are read, what they are, and their unit: numbers, or seconds after the first ISO time."""
    try:
        finite(first)
        return finite, "number", ""
    except ValueError:
        origin = _moment(first)
        return lambda text: (_moment(text) - origin).total_seconds(), "ISO time", " s"


def _moment(text: str) -> datetime:
    """An ISO time; Z, which Python 3.10 does not read, is +00:00."""
    text = text.strip()
    return datetime.fromisoformat(f"{text[:-1]}+00:00" if text.endswith(("Z", "z")) else text)


class Times:
    """Takes the cells of a time column piece by piece: numbers, or ISO dates and times, all as the first one is."""

    def __init__(self) -> None:
        self._read: Callable[[str], float] | None = None
        self._kind, self._unit = "number or ISO time", ""
        self._last: list[float] = []
        self._step: float | None = None

    def fault(self, cells: list[str]) -> tuple[int, str] | None:
        """Give the index of the first cell that is out of step and what is wrong with it, None if all are in step."""
        values: list[float] = []
        try:
            if self._read is None:
                self._read, self._kind, self._unit = reader(cells[0])
            values.extend(map(self._read, cells))  # keeps those before the first that fails
        except (ValueError, TypeError):  # TypeError: with a time zone after one without, or the other way
            return len(values), f"{shown(cells[len(values)])} is no {self._kind}"
        steps = np.diff(self._last + values)
        if self._step is None and len(steps):
            self._step = float(steps[0])
        step = self._step or 0.0
        out = np.flatnonzero(~((steps > 0) & (np.abs(steps - step) <= TOLERANCE * step)))
        if not len(out):
            self._last = values[-1:]
            return None
        k = int(out[0])
        here = k + 1 - len(self._last)
        if steps[k] <= 0:
            return here, f"{shown(cells[here])} is not later than the row before"
        return here, f"{shown(cells[here])} is {steps[k]:g}{self._unit} after the row before, not {step:g}{self._unit}"
