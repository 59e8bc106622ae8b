r"""Credit `forward`: the costate of the neurons takes one Euler step a tick, forward in time, as everything else does.

    dz/dt   = -s dH/dh - eta_z z
    dH/dh_i = phi dL/dh_i + rate (dF_i/dh)^T z_i - rate z_i + rate (dF_{i+1}/dx)^T z_{i+1}

One step, with zeta = z / (tau phi) and a = tau rate:

    zeta_i' = (1 - tau eta_z + s a) zeta_i - s [ (dF_i/dh)^T (a zeta_i) + dL/dh_i + (dF_{i+1}/dx)^T (a zeta_{i+1}) ]

where  s is -1 (HL: the flip that lets the costate run forward) or +1 (the plain Hamilton equations), eta_z the
dissipation of the neuron costates (1/time), the rest as in hl_cli.dynamics.hamiltonian.
Source: arXiv 2409.12038, sections 2 and 3.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from hl_cli.dynamics.hamiltonian import Costate, total


@dataclass(frozen=True)
class Flow:
    """How the neurons and their costates move in one tick.

    leak: a = tau rate; fade: tau eta_z; sign: s.

    >>> Flow(leak=0.5, fade=0.125).keep
    0.375
    """

    leak: float = 1.0
    fade: float = 0.0
    sign: int = -1

    @property
    def keep(self) -> float:
        """What of zeta stays by itself, 1 - tau eta_z + s a; exactly 0 at the defaults."""
        return (1.0 + self.sign * self.leak) - self.fade

    def costate(self, zeta: Costate, pulled: Costate, below: Tensor | None) -> Costate:
        """zeta' of one block, state tensor by state tensor; None is an exact zero.

        pulled: (dF/dh)^T (a zeta), () for zero; below: dL/dh, or what the block above pulled back to what this one
        shows, its first state tensor.
        """
        new = []
        for k, own in enumerate(zeta):
            moved = total(pulled[k] if pulled else None, below if k == 0 else None)
            if moved is not None and self.sign > 0:
                moved = -moved
            kept = None if own is None or self.keep == 0.0 else own * self.keep
            new.append(total(kept, moved))
        return tuple(new)

    def scaled(self, zeta: Costate) -> Costate:
        """A zeta, as it goes through F."""
        return zeta if self.leak == 1.0 else tuple(None if z is None else z * self.leak for z in zeta)
