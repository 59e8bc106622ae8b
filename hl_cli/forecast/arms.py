"""The arms by name. Those with the same net begin at the same weights: `drawn_as` names the random numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hl_cli.forecast.features import Pairs, Periodic, Plain
from hl_cli.forecast.integrators import Circle, ExplicitEuler, StormerVerlet, VelocityVerlet
from hl_cli.forecast.nets import Gated, Mechanical, Net, Residual
from hl_cli.forecast.potential import DirectForce, Potential


@dataclass(frozen=True)
class Arm:
    """label: in tables and pictures; words: what it is; limited: whether its step has a limit of stability."""

    name: str
    label: str
    words: str
    net: Net
    drawn_as: str
    limited: bool = False


def arms(names: Sequence[str], bodies: int = 1) -> list[Arm]:
    """Those that are named, for a system of so many bodies."""
    plain, periodic = Potential(Plain()), Potential(Periodic())
    pairs = Potential(Pairs(bodies))
    verlet, positions, circle, euler = VelocityVerlet(), StormerVerlet(), Circle(), ExplicitEuler()
    known = [
        Arm("vin_vv", "VIN-VV", "potential of q, velocity Verlet", Mechanical(plain, verlet), "U", True),
        Arm("vin_sv", "VIN-SV", "the same, in positions alone", Mechanical(plain, positions), "U", True),
        Arm("vin_so2", "VIN-SO2", "potential of angles, on the circle", Mechanical(periodic, circle), "U angles", True),
        Arm("vin_pairs", "VIN pairs", "potential of distances of bodies", Mechanical(pairs, verlet), "U pairs", True),
        Arm("direct", "direct force", "a force that is no gradient", Mechanical(DirectForce(), verlet), "force", True),
        Arm("euler", "Euler", "the potential of VIN-VV, explicit Euler", Mechanical(plain, euler), "U"),
        Arm("residual", "residual", "x + h MLP(x), one hidden layer", Residual(1), "residual"),
        Arm("residual2", "residual, 2 layers", "x + h MLP(x), two hidden layers", Residual(2), "residual2"),
        Arm("gru", "GRU", "a gated recurrent net that goes on from its own output", Gated(), "gru"),
    ]
    by_name = {arm.name: arm for arm in known}
    return [by_name[name] for name in names]
