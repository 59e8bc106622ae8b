r"""How the states of a recurrent net depend on its weights, carried forward in time: the heart of real-time recurrent
learning, whose gradient reaches back to the first tick.

    P(t) = ds(t)/dtheta = J(t) P(t-1) + dF/dtheta        J = dF/ds at (u(t), s(t-1))
    dL/dtheta = (dL/ds(t))^T P(t)

s: all states of the net, S numbers; theta: the N weights of its cells. It is exact while the weights rest; while they
move, P holds derivatives at weights that were. Two forms, for a batch of one:

    Stacked    any cells: P is (S, N), a tick costs S backward passes, in one batch, and S^2 N products
    Traces     one cell whose units do not see one another: the weights of a unit move its own states alone, so that P
               has a number a weight and state tensor, and a tick costs as many backward passes as it has state tensors

Sources: Williams and Zipser, A Learning Algorithm for Continually Running Fully Recurrent Neural Networks, 1989;
Mozer, A Focused Backpropagation Algorithm for Temporal Pattern Recognition, 1989.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from hl_cli.errors import BadInput
from hl_cli.networks.cell import Cell
from hl_cli.networks.recurrent import Recurrent, States

MOST = 2**22  # numbers of a stacked P: 32 MB in float64


def tensors(states: States) -> list[Tensor]:
    """All state tensors of a net, none at rest."""
    return [part for s in states if s is not None for part in (s if isinstance(s, tuple) else (s,))]


class Stacked:
    """P as one matrix (S, N), None at rest."""

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        self._parameters = list(parameters)
        self.p: Any = None

    def advance(self, old: Sequence[Tensor], new: Sequence[Tensor]) -> None:
        """One tick; new: the states with the graph that made them of old and the weights."""
        s = torch.cat([part.flatten() for part in new])
        rows = torch.autograd.grad(
            s, [*old, *self._parameters], torch.eye(len(s), dtype=s.dtype, device=s.device), is_grads_batched=True,
            allow_unused=True,
        )  # fmt: skip
        wide = zip(rows, [*old, *self._parameters], strict=True)  # None: an exact zero
        by = [s.new_zeros(len(s), of.numel()) if row is None else row.flatten(1) for row, of in wide]
        p = torch.cat(by[len(old) :], 1)
        if self.p is not None:
            p.addmm_(torch.cat(by[: len(old)], 1), self.p)
        self.p = p

    def gradient(self, costates: Sequence[Tensor]) -> list[Tensor]:
        """dL/dtheta by weight tensor, of dL/ds."""
        flat = torch.cat([z.flatten() for z in costates]) @ self.p
        parts = flat.split([w.numel() for w in self._parameters])
        return [part.view_as(w) for part, w in zip(parts, self._parameters, strict=True)]


class Traces:
    """P of an element-wise cell: by state tensor k, by weight, a tensor of the weight's shape; None at rest.

    Row r of every weight belongs to unit r modulo the number of units.
    """

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        self._parameters = list(parameters)
        self.p: Any = None

    def advance(self, old: Sequence[Tensor], new: Sequence[Tensor]) -> None:
        """One tick: the sum over units has, unit by unit, the derivatives of each."""
        traces = []
        for k, part in enumerate(new):
            got = torch.autograd.grad(
                part.sum(), [*old, *self._parameters], retain_graph=k < len(new) - 1, allow_unused=True,
                materialize_grads=True,
            )  # fmt: skip
            own = list(got[len(old) :])
            if self.p is not None:
                for factor, before in zip(got[: len(old)], self.p, strict=True):
                    own = [g + _by_row(factor, b) * b for g, b in zip(own, before, strict=True)]
            traces.append(own)
        self.p = traces

    def gradient(self, costates: Sequence[Tensor]) -> list[Tensor]:
        """dL/dtheta by weight tensor, of dL/ds."""
        each = [[_by_row(z, g) * g for g in own] for z, own in zip(costates, self.p, strict=True)]
        return [sum(parts[1:], parts[0]) for parts in zip(*each, strict=True)]


def _by_row(of_units: Tensor, weight: Tensor) -> Tensor:
    """A number a unit (1, units), placed at the rows of a weight."""
    rows = of_units.flatten().repeat(len(weight) // of_units.numel())
    return rows.view(-1, *(1,) * (weight.dim() - 1))


def sensitivity(net: Recurrent) -> Stacked | Traces:
    """The cheap form where it is exact, else the general one; raises BadInput where that is too large."""
    parameters = [p for p in net.cells.parameters() if p.requires_grad]
    cell: Any = net.cells[0]
    if len(net.cells) == 1 and isinstance(cell, Cell) and cell.elementwise:
        return Traces(parameters)
    weight = parameters[0]
    with torch.no_grad():
        u = weight.new_zeros(1, net.features)
        states = sum(part.numel() for part in tensors(net.tick(u, [None] * len(net.cells), net.ready())[1]))
    weights = sum(p.numel() for p in parameters)
    if states * weights > MOST:
        raise BadInput(
            f"pytorch.credit=rtrl: {states} states by {weights} weights are {states * weights} numbers; allowed: up to "
            f"{MOST}, or one layer of diagonal, complex_diagonal, rotation, min_gru, elementwise_lstm, unicornn"
        )
    return Stacked(parameters)
