"""How a net is cut into blocks, and blocks are dealt out to processes and devices."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from hl_cli.errors import BadInput
from hl_cli.networks.cuts import Cut, cut_into_blocks, share_out
from hl_cli.networks.feedforward import dense_blocks, feedforward
from hl_cli.networks.recurrent import TanhCell
from hl_cli.networks.splits import Split, split_chain, split_of


def chain(split: str, hidden: int = 4) -> Split:
    net = feedforward(3, [2] * hidden, 2)
    return split_chain(net, dense_blocks(net, "tanh"), split)


@pytest.mark.parametrize(
    ("split", "cut", "sizes"),
    [
        ("state", None, [1, 1, 1, 1, 1]),
        ("state_output", None, [1, 1, 1, 1]),  # the output net sits with the top state block
        ("state", 2, [2, 3]),
        ("state", 5, [1, 1, 1, 1, 1]),
        ("state", 1, [5]),
        ("state", [1, 4], [1, 3, 1]),
        ("state_output", [2], [2, 2]),
        ("state", [], [5]),
    ],
)
def test_every_layer_is_in_one_block_in_its_order(split: str, cut: Cut, sizes: list[int]) -> None:
    net = chain(split)
    blocks = cut_into_blocks(net, cut)
    assert [len(block) for block in blocks] == sizes
    assert [layer for block in blocks for layer in block] == net.state


@pytest.mark.parametrize(
    ("cut", "allowed"), [(0, "1 to 5"), (6, "1 to 5"), ([0], "1 to 4"), ([3, 2], "rising"), ([5], "1 to 4")]
)
def test_a_cut_that_cannot_be_is_refused(cut: Cut, allowed: str) -> None:
    with pytest.raises(BadInput, match=allowed):
        cut_into_blocks(chain("state"), cut)


def test_nets_that_cannot_be_cut_are_refused() -> None:
    with pytest.raises(BadInput, match="split=state, state_output"):
        cut_into_blocks(chain("output"))
    cell = nn.RNNCell(2, 2)
    with pytest.raises(BadInput, match="feed-forward"):
        cut_into_blocks(split_of(cell, state=TanhCell(cell)))
    net = nn.Sequential(nn.Linear(2, 2), nn.Tanh())
    with pytest.raises(BadInput, match="no weights"):
        cut_into_blocks(split_of(net, state=[net[0], net[1]]))


@given(st.lists(st.integers(0, 9), min_size=1, max_size=7), st.data())
def test_no_other_deal_has_a_cheaper_costliest_part(costs: list[int], data: st.DataObject) -> None:
    parts = data.draw(st.integers(1, len(costs)))
    dealt = share_out(costs, parts)
    assert [k for part in dealt for k in part] == list(range(len(costs)))
    assert len(dealt) == parts and all(len(part) for part in dealt)
    ends = [(*inner, len(costs)) for inner in combinations(range(1, len(costs)), parts - 1)]
    best = min(max(sum(costs[a:b]) for a, b in zip((0, *e), e, strict=False)) for e in ends)
    assert max(sum(costs[k] for k in part) for part in dealt) == best
