r"""The Hamiltonian of a network that learns, and Hamilton's equations with the sign flip of HL.

    H = phi L(y, target) + sum_i z_i . f_i(x_i, h_i; theta_i) - (beta/2) |omega|^2
    f_i = rate (F_i(x_i, h_i; theta_i) - h_i)

    dh/dt     =  dH/dz     = f                      dz/dt     = dH/dh                  (sign flip: forward in time)
    dtheta/dt =  dH/domega = -beta omega            domega/dt = dH/dtheta - eta omega

where  L the loss, phi its weight, z_i the costate of the state h_i of block i, F_i its candidate, x_i its input,
theta the weights, omega their costate, beta the velocity gain, eta the dissipation (symbols in hl_cli.types).

The costate is carried scaled, zeta = z / (tau phi): the coefficients of the loss then enter once, where omega
integrates, and neither tau nor phi rounds along the network. Source: arXiv 2409.12038, sections 2 and 3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from hl_cli.types import Physics

State = tuple[Tensor, ...]
Costate = tuple[Tensor | None, ...]


def neuron_step(h: State, candidate: State, leak: float) -> State:
    """h' = h + tau f = lerp(h, F, tau rate); with tau rate = 1 (the default) h' is F itself, to the bit.

    h, candidate: (batch, width) each; an empty h is a block at rest, h = 0; leak: tau rate.

    >>> neuron_step((torch.tensor([1.0]),), (torch.tensor([3.0]),), 0.25)
    (tensor([1.5000]),)
    """
    if leak == 1.0:
        return candidate
    if not h:
        return tuple(f * leak for f in candidate)
    return tuple(torch.lerp(old, f, leak) for old, f in zip(h, candidate, strict=True))


def costate_step(zeta: Costate, pulled: Costate, leak: float) -> Costate:
    """zeta_{t-1} = (1 - tau rate) zeta_t + (dF/dh)^T (tau rate zeta_t): the costate one tick earlier.

    zeta: costate at this tick; pulled: the second term, already pulled back through F; leak: tau rate.

    >>> costate_step((torch.tensor([4.0]),), (torch.tensor([1.0]),), 0.25)
    (tensor([4.]),)
    """
    if leak == 1.0:
        return pulled
    return tuple(total(None if z is None else z * (1.0 - leak), p) for z, p in zip(zeta, pulled, strict=True))


def total(first: Tensor | None, second: Tensor | None) -> Tensor | None:
    """Sum two contributions to a costate; None is an exact zero that costs nothing."""
    if first is None:
        return second
    return first if second is None else first + second


class Share(NamedTuple):
    """What a part of the net adds to H, read before its weights move.

    work: sum of zeta . (h' - h); energy: 2 T / beta, where the kinetic energy T is not that of |omega|^2; the others:
    sums of squares of zeta, omega and theta.
    """

    work: float
    state_costate: float
    weight_costate: float
    weight: float
    energy: float | None = None


def share_of(
    costates: Sequence[Costate], before: Sequence[State], after: Sequence[State], theta: Tensor, omega: Tensor
) -> Share:
    """Add up the share of some blocks; tau f = h' - h is read off the step just taken.

    costates: zeta per block; before, after: h and h' per block (an empty h: at rest); theta, omega: flat buffers.
    """
    work = torch.zeros((), dtype=torch.float64)
    squares = torch.zeros((), dtype=torch.float64)
    for zeta, old, new in zip(costates, before, after, strict=True):
        for k, z in enumerate(zeta):
            if z is not None:
                moved = new[k] - old[k] if old else new[k]
                work += (z.double() * moved.double()).sum().cpu()
                squares += z.double().square().sum().cpu()
    return Share(float(work), float(squares), *(_square(flat) for flat in (omega, theta)))


def _square(flat: Tensor) -> float:
    return float(torch.linalg.vector_norm(flat, dtype=torch.float64)) ** 2


def hamiltonian(loss: float, phi: float, shares: Sequence[Share], beta: float, tau: float) -> Physics:
    """Evaluate H and its parts at one tick from the shares of all parts of the net.

    >>> whole = Share(work=1.0, state_costate=4.0, weight_costate=9.0, weight=1.0)
    >>> hamiltonian(loss=2.0, phi=0.5, shares=[whole], beta=0.2, tau=1.0).hamiltonian
    0.6
    """
    columns = zip(*(share[:4] for share in shares), strict=True)
    work, state_costate, weight_costate, weight = (sum(column) for column in columns)
    kinetic = 0.5 * beta * sum(one.weight_costate if one.energy is None else one.energy for one in shares)
    loss_term = phi * loss
    return Physics(
        hamiltonian=loss_term + phi * work - kinetic,
        loss_term=loss_term,
        kinetic=kinetic,
        state_costate_norm=tau * abs(phi) * state_costate**0.5,
        weight_costate_norm=weight_costate**0.5,
        weight_norm=weight**0.5,
    )
