r"""How far back the gradient of a recurrent net reaches: the singular values of dh_T/dh_t over the lag T - t.

    dh_T/dh_(T-k) = J_T J_(T-1) ... J_(T-k+1)       J_t = dh_t/dh_(t-1) at the states that the inputs lead to, from rest

h: the states of all cells in one vector. The largest singular value is how much a change of h grows at most over the
lag, the smallest how much of it is left at least. In a symplectic net they come in pairs s and 1/s.
Source: Pascanu, Mikolov, Bengio, arXiv 1211.5063.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from hl_cli.networks.recurrent import Recurrent, States


def lags_up_to(last: int) -> list[int]:
    """1, 2, 3, 5 and 7 times powers of ten, up to the last lag, which is among them."""
    known = [digit * 10**power for power in range(len(str(last))) for digit in (1, 2, 3, 5, 7)]
    return sorted({last, *(lag for lag in known if lag < last)})


def reach(net: Recurrent, inputs: Tensor, lags: Iterable[int]) -> list[tuple[int, float, float]]:
    """(lag, largest, smallest singular value of dh_T/dh_(T-lag)) at the last tick T of inputs (ticks, features).

    lags: below the number of ticks. One backward pass a tick: its rows are copies of the net, a unit costate each.
    """
    wanted, jacobians = set(lags), _jacobians(net, inputs, max(lags, default=0))
    product, found = None, []
    for lag, jacobian in enumerate(reversed(jacobians), start=1):
        product = jacobian if product is None else product @ jacobian
        if lag in wanted:
            sizes = torch.linalg.svdvals(product)
            found.append((lag, float(sizes[0]), float(sizes[-1])))
    return found


def _jacobians(net: Recurrent, inputs: Tensor, count: int) -> list[Tensor]:
    """J of the last so many ticks, (states, states) each, in float64."""
    parameters = [p.requires_grad for p in net.parameters()]
    net.requires_grad_(False)
    try:
        ready, states, found = net.ready(), [None] * len(net.cells), []
        for t, u in enumerate(inputs):
            if t < len(inputs) - count:
                _, states = net.tick(u.unsqueeze(0), states, ready)
                continue
            row = _flat(states)
            copies = row.expand(row.shape[1], -1).clone().requires_grad_()
            _, later = net.tick(u.expand(row.shape[1], -1), _like(states, copies), ready)
            (jacobian,) = torch.autograd.grad(
                _flat(later), copies, torch.eye(row.shape[1], dtype=row.dtype, device=row.device)
            )
            found.append(jacobian.double())
            states = _like(states, _flat(later)[:1].detach())
        return found
    finally:
        for p, asks in zip(net.parameters(), parameters, strict=True):
            p.requires_grad_(asks)


def _flat(states: States) -> Tensor:
    """All states side by side, (batch, states)."""
    return torch.cat([part for state in states for part in (state if isinstance(state, tuple) else (state,))], 1)


def _like(states: States, flat: Tensor) -> States:
    """Undo `_flat`."""
    parts = [len(state) if isinstance(state, tuple) else 0 for state in states]
    widths = [part.shape[1] for state in states for part in (state if isinstance(state, tuple) else (state,))]
    left: Sequence[Any] = flat.split(widths, 1)
    found: States = []
    for count in parts:
        taken, left = left[: count or 1], left[count or 1 :]
        found.append(tuple(taken) if count else taken[0])
    return found
