"""The arms by name, and how wide their nets may be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from hl_cli.density.flow import Flow
from hl_cli.density.hamiltonian_flow import HamiltonianFlow
from hl_cli.density.real_nvp import RealNVP
from hl_cli.replicates.layers import count


@dataclass(frozen=True)
class Arm:
    """label: in tables and pictures; words: what it is; flow: None for what scikit-learn fits."""

    name: str
    label: str
    words: str
    flow: Flow | None


def arms(names: Sequence[str], flows: int, leapfrogs: int, couplings: int) -> list[Arm]:
    """Those that are named."""
    size = f"{flows} x {leapfrogs} leapfrogs"
    known = [
        Arm("nhf", "NHF", f"{size}, K and V learnt", HamiltonianFlow(flows, leapfrogs, True)),
        Arm("nhf_fixed", "NHF, quadratic K", f"{size}, masses and V learnt", HamiltonianFlow(flows, leapfrogs, False)),
        Arm("realnvp", "RealNVP", f"{couplings} affine couplings", RealNVP(couplings)),
        Arm("gmm", "Gaussian mixture", "full covariances, fitted by scikit-learn", None),
    ]
    by_name = {arm.name: arm for arm in known}
    return [by_name[name] for name in names]


def parameters(flow: Flow, n: int, hidden: int) -> int:
    """Of one replicate with nets so wide."""
    return count(flow.draw(n, hidden, [torch.Generator()]))


def width(flow: Flow, n: int, most: int) -> int:
    """The widest nets with so many parameters at most; 0 where even a width of 1 has more."""
    low, high = 0, 1
    while parameters(flow, n, high) <= most:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if parameters(flow, n, middle) <= most else (low, middle)
    return low
