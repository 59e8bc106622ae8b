r"""What each unit of a net knows of itself: the derivative of its own states by themselves and by its own weights.

    own       (batch or 1, units, K, K)        d state_k' / d state_l     of a unit with K state numbers
    direct    (batch, units, K, lanes)         d state_k' / d weight      of the weights of this unit, in this tick

The weights of a unit lie in lanes: parameter after parameter as the block names them, and of one parameter its rows
that belong to the unit: row r belongs to unit r modulo their number, as PyTorch lays its gates. Where no unit sees
another, `own` is the whole derivative of the states; elsewhere it is its diagonal, by units.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from hl_cli.dynamics.accumulator import GradientAccumulator
from hl_cli.dynamics.hamiltonian import Costate, State
from hl_cli.errors import BadInput, NoSuchCombination


class Local(NamedTuple):
    """The local derivative at one tick, as the head of this file has it."""

    own: Tensor
    direct: Tensor


class Lanes:
    """The places of a block's weights: by unit in lanes, and back. Raises BadInput for a weight without rows a unit.

    Traces s are as `direct`; z is by unit, (batch, units, K).
    """

    def __init__(self, parameters: Sequence[Tensor], units: int) -> None:
        self.parameters, self.units = list(parameters), units
        for p in self.parameters:
            if not p.dim() or p.shape[0] % units:
                raise BadInput(f"a weight of the shape {tuple(p.shape)} has no rows for each of {units} units")
        self._counts = [p.numel() // units for p in self.parameters]

    def by_unit(self, z: Costate, h: State) -> Tensor:
        """Costates as (batch, units, K); None is zero."""
        if len(z) == 1 and z[0] is not None:
            return z[0].unsqueeze(2)
        return torch.stack([torch.zeros_like(s) if one is None else one for one, s in zip(z, h, strict=True)], 2)

    def laid(self, weights: Sequence[Tensor]) -> Tensor:
        """Tensors of the shapes of the weights as (units, lanes)."""
        return torch.cat([w.unflatten(0, (-1, self.units)).transpose(0, 1).flatten(1) for w in weights], 1)

    def slower(self, local: Local, leak: float) -> Local:
        """As h' = h + leak (F - h)."""
        rest = torch.eye(local.own.shape[-1], dtype=local.own.dtype, device=local.own.device) * (1.0 - leak)
        return Local(local.own * leak + rest, local.direct * leak)

    def step(self, local: Local, s: Tensor) -> Tensor:
        """D s + B."""
        own, direct = local
        if own.shape[3] == 1:
            return torch.addcmul(direct, own, s)
        wide = (part.expand(*s.shape[:2], -1, -1).flatten(0, 1) for part in (direct, own, s))
        return torch.baddbmm(*wide).view(s.shape)

    def pull(self, z: Tensor, local: Local) -> Tensor:
        """D^T z."""
        return torch.matmul(z.unsqueeze(2), local.own).squeeze(2)

    def add(self, z: Tensor, s: Tensor, drive: GradientAccumulator) -> None:
        """Add s^T z to the drive of the weights."""
        g = (z.unsqueeze(3) * s).squeeze(2) if z.shape[2] == 1 else (z.unsqueeze(3) * s).sum(2)
        for p, part in zip(self.parameters, _summed(g).split(self._counts, 1), strict=True):
            if len(p) > self.units:
                part = part.unflatten(1, (len(p) // self.units, -1)).transpose(0, 1)
            drive.add(p, part.reshape(p.shape))


class ComplexLanes(Lanes):
    """Of units whose state is one complex number, (q, p) side by side: own (units,), direct (batch, units, lanes).

    A weight has one lane a unit, or, with two rows that stand together, is complex itself and has a lane a column.
    """

    def __init__(self, parameters: Sequence[Tensor], units: int) -> None:
        super().__init__(parameters, units)
        self._counts = [p.numel() // len(p) for p in self.parameters]

    def by_unit(self, z: Costate, h: State) -> Tensor:
        """Costates as complex (batch, units); what a block shows behind its pairs is no state of theirs."""
        return complex_of(torch.zeros_like(h[0]) if z[0] is None else z[0], self.units)

    def slower(self, local: Local, leak: float) -> Local:
        """As h' = h + leak (F - h)."""
        return Local(local.own * leak + (1.0 - leak), local.direct * leak)

    def step(self, local: Local, s: Tensor) -> Tensor:
        """D s + B."""
        return torch.addcmul(local.direct, local.own.unsqueeze(1), s)

    def pull(self, z: Tensor, local: Local) -> Tensor:
        """D^T z: back by the conjugate."""
        return z * local.own.conj()

    def add(self, z: Tensor, s: Tensor, drive: GradientAccumulator) -> None:
        """A real weight gets Re(z s*), the two rows of a complex one the two parts of it."""
        g = torch.view_as_real(_summed(z.unsqueeze(2) * s.conj()))
        for p, part in zip(self.parameters, g.split(self._counts, 1), strict=True):
            whole = part.transpose(1, 2) if len(p) > self.units else part[..., 0]
            drive.add(p, whole.reshape(p.shape))


def _summed(rows: Tensor) -> Tensor:
    return rows[0] if len(rows) == 1 else rows.sum(0)


def complex_of(h: Tensor, units: int | None = None) -> Tensor:
    """(batch, 2 units), the parts of each side by side, to complex (batch, units); of that many, if more is behind."""
    if units is not None and h.shape[1] != 2 * units:
        h = h[:, : 2 * units].contiguous()
    return torch.view_as_complex(h.unflatten(1, (-1, 2)))


def outer(post: Tensor, pre: Tensor) -> Tensor:
    """Lanes of a linear map of `pre` (batch, m), whose sums move the states by post (batch, units, K, gates)."""
    return (post.unsqueeze(4) * pre.view(len(pre), 1, 1, 1, -1)).flatten(3)


def alone(h: Tensor) -> Tensor:
    """A number a unit, (batch, units) or (units,), as a derivative of one state number: (batch or 1, units, 1, 1)."""
    return h.view(-1, h.shape[-1], 1, 1)


def self_weights(weight: Tensor) -> Tensor:
    """By which each unit sees itself, (units, gates), of a weight (gates * units, units)."""
    return weight.unflatten(0, (-1, weight.shape[1])).diagonal(0, 1, 2).t()


def derived(out: State, h: State, lanes: Lanes) -> Local:
    """By autograd, from a graph that stays: sums over units have, unit by unit, the derivatives of each."""
    own, direct = [], []
    for row in range(len(out[0])):
        for part in out:
            with torch.enable_grad():
                got = _gradients(part[row].sum(), h, lanes)
            own.append(torch.stack([g[row] for g in got[: len(h)]], 1))
            direct.append(lanes.laid(got[len(h) :]))
    by_row = (len(out[0]), len(out))
    return Local(
        *(torch.stack(parts).unflatten(0, by_row).transpose(1, 2) for parts in (own, direct)),
    )


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
            pairs += [(lanes.laid([a]).t(), lanes.laid([b]).t()) for a, b in of_weights]
            for a, b in pairs:
                if not torch.allclose(a * weights, b, rtol=1e-3, atol=1e-6):
                    raise NoSuchCombination(
                        f"credit=eligibility: units of {name} see one another, and its block does not say their own "
                        "derivative (local); allowed: rnn, gru, lstm, leaky_rnn, nets whose units do not, "
                        "credit=costate"
                    )
    return True


def _gradients(sum_: Tensor, h: State, lanes: Lanes) -> Sequence[Tensor]:
    return torch.autograd.grad(
        sum_, [*h, *lanes.parameters], retain_graph=True, allow_unused=True, materialize_grads=True
    )
