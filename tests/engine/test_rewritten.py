"""What is written in another way for the compiler computes the same."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.fx.experimental.proxy_tensor import make_fx

from hl_cli.engine.rewritten import joined

aten = torch.ops.aten


def written(base: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Two pieces of a flat tensor, between which it is looked at as a matrix, also by somebody who needs nothing."""
    flat = aten.slice_scatter.default(base, first, 0, 0, 2)
    matrix = aten.view.default(flat, [4, 2])
    aten.view.default(matrix, [2, 4])
    whole: Tensor = aten.slice_scatter.default(aten.view.default(matrix, [8]), second, 0, 3, 7)
    return whole


def test_pieces_are_put_together_at_once_past_views() -> None:
    given = torch.arange(8.0), torch.full((2,), -1.0), torch.full((4,), -2.0)
    graph = make_fx(written)(*given)
    joined(graph.graph)
    graph.recompile()
    assert not any(node.target is aten.slice_scatter.default for node in graph.graph.nodes)
    assert graph(*given).tolist() == [-1, -1, 2, -2, -2, -2, -2, 7] == written(*given).tolist()
