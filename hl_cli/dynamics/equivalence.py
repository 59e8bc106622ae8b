r"""Between the physics of HL (tau, beta, eta, phi) and torch.optim.SGD (lr, momentum, dampening).

SGD:  buf' = momentum buf + (1 - dampening) g      w' = w - lr buf'
HL:   omega' = (1 - tau eta) omega + tau phi g     theta' = theta - tau beta omega'

Hence  momentum = 1 - tau eta,  dampening = 1 - tau phi,  lr = tau beta, and the other way round

    eta = (1 - momentum)/tau      phi = (1 - dampening)/tau      beta = lr/tau

PyTorch fills buf with the plain gradient at its first step, so HL starts with phi_0 = 1/tau when momentum is not 0.
Without momentum PyTorch ignores the dampening. Source: arXiv 2409.12038, section on gradient descent and momentum.
"""

from __future__ import annotations

import math
import struct
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar

from hl_cli.errors import BadInput


@dataclass(frozen=True)
class Coefficients:
    r"""The physics of the weights: one Euler step of length tau does

        omega' = (1 - tau eta) omega + tau phi (dH/dtheta)/phi       theta' = theta - tau beta omega'

    tau (time), beta (weight velocity gain), eta (1/time, dissipation), phi (1/time, weight of the loss);
    phi_first: phi at the first weight step; weight_decay: a term (weight_decay/2)|theta|^2 beside the loss;
    rate (1/time): leak rate of the neurons, 1/tau when None; nesterov: theta follows omega as the next step has it for
    the same gradient; maximize: the sign of phi is turned.

    >>> Coefficients(tau=0.5, beta=0.04, eta=0.6, phi=1.4, phi_first=2.0).decay
    0.7
    """

    tau: float
    beta: float
    eta: float
    phi: float
    phi_first: float
    weight_decay: float = 0.0
    rate: float | None = None
    nesterov: bool = field(default=False, repr=False)
    maximize: bool = field(default=False, repr=False)

    @property
    def sign(self) -> float:
        """Of phi: -1 where the loss is to grow."""
        return -1.0 if self.maximize else 1.0

    @property
    def decay(self) -> float:
        """What is left of omega after one step, 1 - tau eta."""
        return 1.0 - self.tau * self.eta

    @property
    def velocity(self) -> float:
        """How far theta moves along -omega in one step, tau beta."""
        return self.tau * self.beta

    @property
    def leak(self) -> float:
        """tau * rate: exactly 1 by default, so that a neuron becomes its candidate without any rounding."""
        return 1.0 if self.rate is None else self.tau * self.rate

    def loss_weight(self, step: int) -> float:
        """phi at a weight step (counted from 0)."""
        return self.phi_first if step == 0 else self.phi


@dataclass(frozen=True)
class SGD:
    """Arguments of torch.optim.SGD, in its ranges: all but dampening >= 0. Raises BadInput for others.

    buffer' = momentum buffer + (1 - dampening) (gradient + weight_decay theta)      theta' = theta - lr buffer'

    nesterov: theta follows gradient + weight_decay theta + momentum buffer'; it asks for a momentum and no dampening.
    maximize: the sign of the gradient is turned.
    """

    optimizer: ClassVar[str] = "sgd"

    lr: float
    momentum: float = 0.0
    dampening: float = 0.0
    weight_decay: float = 0.0
    nesterov: bool = field(default=False, repr=False)
    maximize: bool = field(default=False, repr=False)

    @property
    def options(self) -> dict[str, Any]:
        """The arguments of the optimizer; what is not asked for is left out."""
        return {name: value for name, value in asdict(self).items() if value is not False}

    def __post_init__(self) -> None:
        for name in ("lr", "momentum", "weight_decay"):
            if not getattr(self, name) >= 0.0:
                raise BadInput(f"SGD: {name}={getattr(self, name)}: allowed: a number >= 0")
        if self.nesterov and not (self.momentum > 0 and self.dampening == 0):
            raise BadInput(
                f"nesterov=true (momentum={self.momentum:g}, dampening={self.dampening:g}): allowed: with a momentum "
                "above 0 and dampening 0"
            )


def physics_of(sgd: SGD, tau: float = 1.0) -> Coefficients:
    """Find the HL coefficients that make the weight step the given SGD step.

        eta = (1 - momentum) / tau      phi = (1 - dampening) / tau      beta = lr / tau      phi_first = 1 / tau

    >>> physics_of(SGD(lr=0.02, momentum=0.7, dampening=0.5), tau=0.5)
    Coefficients(tau=0.5, beta=0.04, eta=0.6000000000000001, phi=1.0, phi_first=2.0, weight_decay=0.0, rate=None)
    """
    dampening = sgd.dampening if sgd.momentum != 0 else 0.0  # torch ignores it without momentum
    return Coefficients(
        tau=tau,
        beta=sgd.lr / tau,
        eta=(1.0 - sgd.momentum) / tau,
        phi=(1.0 - dampening) / tau,
        phi_first=1.0 / tau,
        weight_decay=sgd.weight_decay,
        nesterov=sgd.nesterov,
        maximize=sgd.maximize,
    )


@dataclass(frozen=True)
class Equivalence:
    """The SGD beside an HL, and how near it is: `equal` in exact arithmetic, `note` for the report."""

    sgd: SGD
    equal: bool
    note: str


def sgd_of(physics: Coefficients) -> Equivalence:
    """Find the SGD that equals HL with these coefficients, or the closest where none does.

    Two families are equal. With momentum, tau phi <= 1 and phi_0 = 1/tau: dampening is 1 - tau phi. With a phi that
    never changes, scaling omega moves tau phi into the learning rate: lr = tau beta tau phi, dampening 0.

    >>> sgd_of(Coefficients(tau=1.0, beta=0.01, eta=1.5, phi=1.0, phi_first=1.0)).equal
    False
    """
    momentum, gain = physics.decay, physics.tau * physics.phi
    more = {"nesterov": physics.nesterov and momentum > 0.0, "maximize": physics.maximize}
    undamped = gain == 1.0 or not physics.nesterov  # nesterov has no dampening
    if momentum < 0.0:
        closest = SGD(physics.velocity * gain, 0.0, 0.0, physics.weight_decay, **more)
        return Equivalence(
            closest,
            False,
            f"no SGD equals it: tau*eta = {physics.tau * physics.eta:g} > 1 would be a momentum of {momentum:g}; "
            f"the closest is lr = {closest.lr:g} without momentum",
        )
    if momentum != 0.0 and undamped and gain <= 1.0 and math.isclose(physics.tau * physics.phi_first, 1.0):
        sgd = SGD(physics.velocity, momentum, 1.0 - gain, physics.weight_decay, **more)
        return Equivalence(sgd, True, "equal to SGD in exact arithmetic")
    sgd = SGD(physics.velocity * gain, momentum, 0.0, physics.weight_decay, **more)
    if momentum != 0.0 and physics.phi_first != physics.phi:
        return Equivalence(
            sgd, False, "no SGD equals it: tau*phi > 1 after a first step at another phi; this is the closest"
        )
    return Equivalence(sgd, True, "equal to SGD in exact arithmetic, with tau*phi moved into the learning rate")


def rounds_alike(physics: Coefficients, sgd: SGD, dtype: str) -> bool:
    """Tell whether both sets of coefficients are the same numbers once rounded to the dtype of the weights.

    Then equal formulas give equal bits; otherwise HL and SGD part at round-off.

    >>> rounds_alike(physics_of(SGD(0.01, 0.9), tau=0.5), SGD(0.01, 0.9), "float64")
    True
    """
    code = {"float32": "f", "float64": "d"}[dtype]

    def bits(number: float) -> bytes:
        try:
            return struct.pack(code, number)
        except OverflowError:
            return b"infinite"

    here = (physics.decay, physics.tau * physics.phi, physics.tau * physics.phi_first, physics.velocity)
    dampening = sgd.dampening if sgd.momentum != 0 else 0.0
    there = (sgd.momentum, 1.0 - dampening, 1.0, sgd.lr)
    return all(bits(a) == bits(b) for a, b in zip(here, there, strict=True))
