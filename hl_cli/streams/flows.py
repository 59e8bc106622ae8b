"""Signals that follow from an equation of motion, integrated numerically from one tick to the next."""

from __future__ import annotations

from hl_cli.errors import BadInput

WIDEST = 100.0  # time units between two ticks


def check_step(step: float) -> None:
    """A tick takes as long to integrate as it is wide."""
    if step > WIDEST:
        raise BadInput(f"stream.step={step}: allowed: at most {WIDEST:g} time units, all of which are integrated")
