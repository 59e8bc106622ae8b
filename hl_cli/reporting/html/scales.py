"""A scale that shows both signs and many decades: linear around zero, logarithmic further out."""

from __future__ import annotations

import numpy as np

from hl_cli.reporting.html.thinning import plain

MOST_TICKS = 12
Ticks = list[tuple[float | None, str]]


def signed(values: np.ndarray, linear: float) -> np.ndarray:
    """Where a value stands: arcsinh(value / 2 linear), linear up to about `linear`."""
    return np.arcsinh(values / (2 * linear))


def turn(values: np.ndarray) -> float:
    """Where the scale turns from linear to logarithmic: a tenth of the values are smaller."""
    sizes = np.abs(values[np.isfinite(values) & (values != 0)])
    return float(np.quantile(sizes, 0.1)) if len(sizes) else 1.0


def ticks(values: np.ndarray, linear: float) -> Ticks:
    """Zero and powers of ten, none of them too near to another."""
    sizes = np.abs(values[np.isfinite(values) & (values != 0)])
    marks = {0.0: "0"}
    if len(sizes):
        reach = 2 * float(signed(sizes.max(), linear))
        low, high = int(np.floor(np.log10(min(linear, sizes.max())))), int(np.floor(np.log10(sizes.max())))
        for power in range(high, low - 1, -1):
            at = float(signed(np.float64(10.0**power), linear))
            if all(abs(at - other) * MOST_TICKS > reach for other in marks) and 2 * at * MOST_TICKS > reach:
                marks |= {at: f"{10.0**power:g}", -at: f"-{10.0**power:g}"}
    return [(plain([at])[0], label) for at, label in sorted(marks.items())]
