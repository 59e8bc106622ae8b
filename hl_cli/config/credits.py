"""The config of a kind of credit: how the gradient of a tick reaches back, under scheme=forward.

Each kind is one file: its config class stands there under `@choice("credit", ...)`, whose facts state it:

    past, future    its two boundary terms: what stands for s and for V in  g = B_t^T (l_t + V) + s_{t-1}^T A_t^T l_t,
                    where l_t = dL/dh_t, A_t = dh_t/dh_{t-1}, B_t = dh_t/dtheta of this tick alone, s = dh/dtheta
    cost, exact     what a tick costs and keeps; for which nets it is the gradient
    of_scheme       fields of scheme=forward that mean something to it, beside rate, reset and rise
"""

from __future__ import annotations

from dataclasses import dataclass

from omegaconf import MISSING

from hl_cli.config.fields import described


@dataclass
class CreditConfig:
    """How credit reaches back over ticks; what each kind has beside its name is below."""

    name: str = described(MISSING, "name in files and titles")
