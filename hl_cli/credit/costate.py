r"""Credit `costate`: h and z take one Euler step at each tick and are carried on. The published credit.

A tick of the semi-implicit order (hl_cli.networks.online has both orders, and what a chain of blocks sees):

    h'     = h + tau rate (F(u, h) - h)
    z'     = (1 - tau eta_z - tau rate) z + tau rate (dF/dh)^T z + tau phi dL/dh(h')
    g      = rate (dF/dtheta)^T z' / phi for the state net, dL/dtheta for the output net

With old values on every right-hand side it is the explicit order. Nothing but h and z is kept: a tick costs the same
whenever it comes. It approximates the gradient over time. Source: arXiv 2409.12038, sections 2, 3.
"""

from __future__ import annotations

from dataclasses import dataclass

from omegaconf import MISSING
from torch import Tensor

from hl_cli.config.credits import CreditConfig
from hl_cli.config.fields import described
from hl_cli.config.registry import choice
from hl_cli.credit.base import Ground, Kind
from hl_cli.credit.online import Online
from hl_cli.dynamics.forward import Flow
from hl_cli.networks.online import OnlineChain


@choice(
    "credit",
    "costate",
    home="Costate",
    past="0",
    future="A_t^T zeta_{t-1}: the costate of the tick before in the place of the one that will come",
    cost="a tick: the net once, and its pull-back to h once more; kept: h and z",
    exact="nowhere; with scheme.carry=false it is truncated BPTT over one tick",
    of_scheme=("eta_z", "sign", "carry"),
)
@dataclass
class CostateConfig(CreditConfig):
    """Costates run forward in time: past errors stand for those that will come."""

    name: str = described(MISSING, "name in files and titles", choices=("costate",))


class Costate(Online):
    """eta_z: dissipation of the neuron costates (1/time); sign: -1, or +1 for the plain Hamilton equations; carry:
    False to zero every z before each tick. Neuron costates that grow without bound stop the learner before its weights
    move.
    """

    def __init__(
        self,
        ground: Ground,
        eta_z: float = 0.0,
        sign: int = -1,
        reset: str = "never",
        carry: bool = True,
        rise: int = 0,
    ) -> None:
        c = ground.coefficients
        self.carry, self.flow, self.sign = carry, Flow(c.leak, c.tau * eta_z, sign), -float(sign)
        super().__init__(ground, reset, rise)

    def chain(self) -> OnlineChain:
        """Blocks with states and costates."""
        return OnlineChain(self.split.state, self.flow, self.newest)

    def before_tick(self) -> None:
        """The costates, in units of the phi of this tick."""
        if not self.carry:
            self.neurons.forget()
        before = self.change_phi()
        if before != 1.0:
            self.neurons.rescale(before)

    def after_tick(self, below: Tensor | None) -> None:
        """At every tick: weights that ran away with costates without bound would hide it."""
        if self.carry:
            self.neurons.check(below)

    def reads(self, count: int) -> bool:
        """The largest costate, where there is one."""
        return self.neurons.reads(count) if self.carry else not count


COSTATE = Kind("costate", Costate, ("eta_z", "sign", "carry"))
