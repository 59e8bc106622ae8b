"""What is written in another way before a function is given to Inductor, for the sake of its kernels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

SMALL = 2**15  # elements of a matrix that a loop multiplies as fast as a call
aten = torch.ops.aten


def joined(graph: torch.fx.Graph) -> None:
    """Let pieces that are written one after the other into a flat tensor be put together at once, without masks."""
    scatter, same = aten.slice_scatter.default, (aten.view.default, aten.reshape.default, aten._unsafe_view.default)
    graph.eliminate_dead_code()  # views that nobody uses are users
    for last in [node for node in graph.nodes if node.target is scatter]:
        pieces: dict[tuple[int, int], torch.fx.Node] = {}
        first = last
        while first.target is scatter and (first is last or len(first.users) == 1):
            base, piece, dimension, begin, end = (*first.args, 0, None, None)[:5]
            length = base.meta["val"].shape[0]
            if base.meta["val"].dim() != 1 or len(first.args) > 5 or dimension != 0:
                break
            place = (begin or 0, min(length if end is None else end, length))
            if any(place[0] < b and a < place[1] for a, b in pieces):
                break
            pieces[place] = piece
            first = behind = base
            while behind.target in same and len(behind.users) == 1:
                behind = behind.args[0]
            if behind.target is scatter and behind.meta["val"].shape == base.meta["val"].shape:
                first = behind
        if len(pieces) < 2:
            continue
        parts, at = [], 0
        with graph.inserting_before(last):
            for (begin, end), piece in [*sorted(pieces.items()), ((length, length), last)]:
                if begin > at:
                    gap = graph.call_function(aten.slice.Tensor, (first, 0, at, begin))
                    gap.meta["val"] = first.meta["val"][at:begin]
                    parts.append(gap)
                if end > begin:
                    parts.append(piece)
                at = end
            whole = graph.call_function(aten.cat.default, (parts,))
        whole.meta = dict(last.meta)
        last.replace_all_uses_with(whole)
    graph.eliminate_dead_code()


def _product(a: Tensor, b: Tensor) -> Tensor:
    """Of a column and a row, or of a row and a small matrix, as loops; any other product stays a call."""
    if a.shape[1] == 1:
        return a * b
    if a.shape[0] != 1 or b.numel() > SMALL:
        return NotImplemented
    return (b.t() * a).sum(1)[None] if b.stride(0) == 1 else (a.t() * b).sum(0)[None]


def _affine(x: Tensor, a: Tensor, b: Tensor, beta: float = 1, alpha: float = 1) -> Tensor:
    """The same, and x."""
    product = _product(a, b) if beta == alpha == 1 else NotImplemented
    return product if product is NotImplemented else x + product


DECOMPOSED: dict[Any, Callable[..., Any]] = {aten.mm.default: _product, aten.addmm.default: _affine}
