"""Held-out errors in the units of the data, where a stream standardises its target."""

from __future__ import annotations

from typing import Any


def own_units(summary: dict[str, Any]) -> str:
    """The held-out mean absolute error of each arm, times the deviation by which targets were divided; or nothing."""
    spread = summary["stream"].get("spread")
    found = {label: summary[name].get("held_out_mae") for name, label in summary["labels"].items()}
    if spread is None or None in found.values():
        return ""
    errors = ", ".join(f"{error * spread:.4g} ({label})" for label, error in found.items())
    return f"held-out mae {errors}; 1 of a standardised score is {spread:.4g}"
