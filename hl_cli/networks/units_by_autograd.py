"""What each unit of a net knows of itself, by autograd: for nets that do not say it (hl_cli.networks.units)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from hl_cli.dynamics.hamiltonian import State
from hl_cli.errors import NoSuchCombination
from hl_cli.networks.units import Lanes, Local


def derived(out: State, h: State, lanes: Lanes) -> Local:
    """From a graph that stays: sums over units have, unit by unit, the derivatives of each."""
    own: list[list[Tensor]] = [[] for _ in h]  # by the state that it is by
    direct = []
    for part in out:
        rows = []
        for row in range(len(part)):
            with torch.enable_grad():
                rows.append(_gradients(part[row].sum(), h, lanes))
        for k, by in enumerate(own):
            by.append(torch.stack([got[k][row] for row, got in enumerate(rows)]))
        direct.append(torch.stack([lanes.laid(got[len(h) :]) for got in rows], 1))
    if len(out) == 1:
        return Local((own[0][0],), direct[0])
    return Local(tuple(torch.stack(by).unsqueeze(1) for by in own), torch.stack(direct))


def check_separable(call: Callable[[State], State], h: State, lanes: Lanes, name: str) -> bool:
    """True; raises NoSuchCombination where a unit sees another: two sums then tell different derivatives.

    call: one tick from a state.
    """
    dice = torch.Generator().manual_seed(0)

    def drawn(like: Tensor) -> Tensor:
        return torch.rand(like.shape, generator=dice, dtype=torch.float64).to(like) + 0.5

    with torch.enable_grad():
        at = tuple(drawn(s[:1]).requires_grad_() for s in h)
        for part in call(at):
            weights = drawn(part[0])
            plain, other = (_gradients((part[0] * w).sum(), at, lanes) for w in (torch.ones_like(weights), weights))
            rows = [g[0] for g in plain[: len(h)]], [g[0] for g in other[: len(h)]]
            pairs = [*zip(*rows, strict=True)]
            of_weights = zip(plain[len(h) :], other[len(h) :], strict=True)
            pairs += [(lanes.laid([a]), lanes.laid([b])) for a, b in of_weights]
            for a, b in pairs:
                if not torch.allclose(a * weights, b, rtol=1e-3, atol=1e-6):
                    raise NoSuchCombination(
                        f"credit=eligibility: units of {name} see one another, and its block does not say their own "
                        "derivative (local); allowed: rnn, ring_rnn, gru, lstm, leaky_rnn, nets whose units do not, "
                        "credit=costate"
                    )
    return True


def _gradients(sum_: Tensor, h: State, lanes: Lanes) -> Sequence[Tensor]:
    return torch.autograd.grad(
        sum_, [*h, *lanes.parameters], retain_graph=True, allow_unused=True, materialize_grads=True
    )
