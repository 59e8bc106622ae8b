"""How the arms of task=video look: the same colour in every picture."""

from __future__ import annotations

from hl_cli.reporting.palette import OTHERS, OWN

COLORS = {"hamiltonian": OWN["hl"], "residual": OWN["pytorch"], "gru": OTHERS[0]}
