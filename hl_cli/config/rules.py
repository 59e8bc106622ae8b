"""The configs of what moves the weights. Each update rule is one file in hl_cli/dynamics/rules, its config class in it.

An integrator takes the step of HL's own numbers tau, beta, eta and phi, which a `Scenario` gives or lets follow from
SGD's. A rule with masses is a scenario of its own, with the fields of its optimizer.
"""

from __future__ import annotations

from dataclasses import dataclass

from omegaconf import MISSING

from hl_cli.config.fields import described


@dataclass
class Optimizer:
    """An optimizer of torch, and the HL that equals it."""

    name: str = described(MISSING, "name in files and titles")
    lr: float | None = described(None, "learning rate", above=0)


@dataclass
class Scenario(Optimizer):
    """The optimizer: either SGD's numbers (HL's follow) or HL's own (the SGD that equals it follows)."""

    lr: float | None = described(None, "learning rate of SGD", above=0)
    momentum: float | None = described(None, "momentum of SGD", least=0, below=1)
    dampening: float | None = described(None, "dampening of SGD", least=0, most=1)
    weight_decay: float | None = described(None, "weight decay, the same number for SGD and HL", least=0)
    beta: float | None = described(None, "weight velocity gain of HL", above=0)
    eta: float | None = described(None, "dissipation of the weight costates of HL, 1/time (default 1/tau)", least=0)
    phi: float | None = described(None, "weight of the loss in the Hamiltonian, 1/time (default 1/tau)", least=0)
    nesterov: bool = described(False, "weights follow omega as the next step will have it, for the same gradient")
    maximize: bool = described(False, "the loss is to grow: the sign of phi is turned")


@dataclass
class Integrator:
    """How the weights and their costates take a step; what each kind has beside its name is in its file."""

    name: str = described(MISSING, "name in files and titles")


@dataclass
class Damped(Integrator):
    """An integrator whose damping can be chosen."""

    damping: str = described(
        "euler", "what a step leaves of omega: 1 - tau eta, or exp(-tau eta)", choices=("euler", "exact")
    )


@dataclass
class KineticConfig:
    """The kinetic energy T(omega) of the weights: theta' = theta - tau dT/domega."""

    name: str = described(MISSING, "name in files and titles")


@dataclass
class Masses(Optimizer):
    """A scenario whose weights have masses of their own; PyTorch's arm is the optimizer of that name."""

    lr: float = described(0.001, "learning rate", above=0)
    eps: float = described(1e-8, "added to the mass; at 0 a weight without a gradient would have none", above=0)
    weight_decay: float = described(0.0, "weight decay", least=0)
    maximize: bool = described(False, "the loss is to grow")
