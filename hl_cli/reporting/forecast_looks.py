"""How the arms of a forecast look: the same colour in every picture, the truth a wide grey line."""

from __future__ import annotations

from typing import Any

from hl_cli.reporting.palette import OTHERS, OWN

COLORS = {
    "vin_vv": OWN["hl"], "vin_sv": OTHERS[3], "vin_so2": OTHERS[1], "vin_pairs": OTHERS[7], "direct": OTHERS[2],
    "euler": OTHERS[6], "residual": OWN["pytorch"], "residual2": OTHERS[4], "gru": OTHERS[0],
}  # fmt: skip
TRUTH: dict[str, Any] = {"color": "#c8c8c8", "lw": 4.5, "solid_capstyle": "round", "label": "truth"}


def limits(low: float, high: float, share: float = 0.25) -> tuple[float, float]:
    """Those of an axis: what the truth spans and a share of it more, whatever an arm does."""
    room = share * (high - low)
    return low - room, high + room
