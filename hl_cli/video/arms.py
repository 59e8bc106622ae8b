"""The arms by name: one encoder and decoder, drawn alike, around different motions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hl_cli.video.latents import Gated, Hamiltonian, Latent, Residual


@dataclass(frozen=True)
class Arm:
    """label: in tables and pictures; words: what it is."""

    name: str
    label: str
    words: str
    latent: Latent


def arms(names: Sequence[str], omega: float = 1.0) -> list[Arm]:
    """Those that are named; omega: of the Hamiltonian one before training."""
    known = [
        Arm("hamiltonian", "Hamiltonian", "a leapfrog of a learnt H = K(p) + V(q): HGN", Hamiltonian(omega)),
        Arm("residual", "residual", "x' = x + h MLP(x), x = (q, p)", Residual()),
        Arm("gru", "GRU", "a gated recurrent net that is fed with the q it showed", Gated()),
    ]
    by_name = {arm.name: arm for arm in known}
    return [by_name[name] for name in names]
