r"""How far back the gradient of a recurrent net reaches: the singular values of dh_T/dh_t over the lag T - t.

    dh_T/dh_(T-k) = J_T J_(T-1) ... J_(T-k+1)       J_t = dh_t/dh_(t-1) at the states that the inputs lead to, from rest

h: the states of all cells in one vector of n numbers. The largest singular value is how much a change of h grows at
most over the lag, the smallest how much of it is left at least. In a symplectic net they come in pairs s and 1/s.

The rows of the product are costates that are pulled back tick by tick: all n unit costates, or, of a net with more
than MOST states, PROBES random orthonormal ones V. Then the singular values are those of V^T dh_T/dh_t: the largest is
at least the one said, the smallest at most. Everything is in float64.
Source: Pascanu, Mikolov, Bengio, arXiv 1211.5063; the bounds are Cauchy's interlacing.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from hl_cli.networks.recurrent import Recurrent, States

MOST = 256  # states of a net whose singular values are found exactly
PROBES = 64


def lags_up_to(last: int) -> list[int]:
    """1, 2, 3, 5 and 7 times powers of ten, up to the last lag, which is among them."""
    known = [digit * 10**power for power in range(len(str(last))) for digit in (1, 2, 3, 5, 7)]
    return sorted({last, *(lag for lag in known if lag < last)})


def reach(net: Recurrent, inputs: Tensor, lags: Iterable[int], most: int = MOST) -> list[tuple[int, float, float]]:
    """(lag, largest, smallest singular value of dh_T/dh_(T-lag)) at the last tick T of inputs (ticks, features).

    lags: below the number of ticks. One backward pass a tick, over as many copies of the net as there are costates.
    """
    net, inputs, wanted = copy.deepcopy(net).double().requires_grad_(False), inputs.double(), set(lags)
    ready, states, path = net.ready(), [None] * len(net.cells), []
    for u in inputs:
        path.append((u, states))
        _, states = net.tick(u.unsqueeze(0), states, ready)
    rows, found = _costates(_flat(states), most), []
    for lag in range(1, max(wanted, default=0) + 1):
        rows = _pulled(net, ready, *path[-lag], rows)
        if lag in wanted:
            sizes = torch.linalg.svdvals(rows)
            found.append((lag, float(sizes[0]), float(sizes[-1])))
    return found


def _costates(h: Tensor, most: int) -> Tensor:
    """Those of the last tick, a row each."""
    n = h.shape[1]
    if n <= most:
        return torch.eye(n, dtype=h.dtype, device=h.device)
    drawn = torch.randn(n, min(PROBES, n), generator=torch.Generator().manual_seed(0), dtype=h.dtype)
    return torch.linalg.qr(drawn)[0].t().to(h.device)


def _pulled(net: Recurrent, ready: Sequence[Callable[..., Any]], u: Tensor, states: States, rows: Tensor) -> Tensor:
    """Each row by J of one tick, from the states before it."""
    copies = _flat(states).expand(len(rows), -1).clone().requires_grad_()
    _, later = net.tick(u.expand(len(rows), -1), _like(states, copies), ready)
    return torch.autograd.grad(_flat(later), copies, rows)[0]


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
