"""The samplers by name: what each is, and with which metric and trajectory it draws."""

from __future__ import annotations

from dataclasses import dataclass

from hl_cli.config.sample import Sample
from hl_cli.sampling.chains import Move
from hl_cli.sampling.metrics import Fisher, Identity, SoftAbs, System
from hl_cli.sampling.target import Target
from hl_cli.sampling.trajectories import Explicit, Implicit, leapfrog


@dataclass(frozen=True)
class Method:
    """label: in tables and pictures; curved: whether its metric depends on q; least: acceptance that a setting needs
    to be chosen: that of `explicit` is biased where it is low.
    """

    label: str
    curved: bool
    least: float = 0.5


METHODS = {
    "hmc": Method("HMC", curved=False),
    "implicit": Method("RMHMC, implicit", curved=True),
    "explicit": Method("RMHMC, explicit", curved=True, least=0.9),
}


def move_of(name: str, cfg: Sample) -> Move:
    """Its trajectory."""
    if name == "implicit":
        return Implicit(cfg.tolerance, cfg.iterations)
    return Explicit(cfg.omega) if name == "explicit" else leapfrog


def system_of(name: str, target: Target, cfg: Sample) -> System:
    """Its Hamiltonian."""
    if not METHODS[name].curved:
        return Identity(target)
    metric = cfg.metric or target.metric
    return Fisher(target) if metric == "fisher" else SoftAbs(target, cfg.softabs)
