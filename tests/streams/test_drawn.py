"""Sequences that are drawn anew, against loops over their ticks; and pixels in a fixed other order."""

from __future__ import annotations

from itertools import islice
from typing import Any

import pytest
import torch

from hl_cli.errors import BadInput
from hl_cli.streams.adding import Adding
from hl_cli.streams.copy_memory import CopyMemory
from hl_cli.streams.tabular import TabularStream


@pytest.mark.parametrize("ticks", [2, 9, 100])
def test_adding(ticks: int) -> None:
    """A mark in each half, every place of it as likely; the target is the sum of what they mark."""
    halves: list[set[int]] = [set(), set()]
    for sample in islice(Adding(ticks, batch_size=100, dtype=torch.float64), 20):
        for row, target in zip(sample.inputs, sample.target, strict=True):  # type: ignore[arg-type]
            marked = row[:, 1].nonzero()[:, 0].tolist()
            assert len(marked) == 2 and float(row[:, 1].sum()) == 2.0
            assert float(target) == float(row[marked[0], 0] + row[marked[1], 0])
            halves[0].add(marked[0])
            halves[1].add(marked[1])
    assert halves == [set(range(ticks // 2)), set(range(ticks // 2, ticks))]


def test_saying_one_has_the_error_of_the_variance() -> None:
    held_out = Adding(10, seed=4).held_out()
    assert float(((held_out.target - 1) ** 2).mean()) == pytest.approx(1 / 6, abs=0.01)  # type: ignore[operator]
    assert bool((held_out.inputs >= 0).all()) and bool((held_out.inputs[:, :, 0] < 1).all())


def test_copy_memory() -> None:
    sample = next(CopyMemory(delay=7, symbols=3, length=4, batch_size=50))
    assert sample.inputs.shape == (50, 15, 5) and bool((sample.inputs.sum(2) == 1).all())
    seen: Any = sample.inputs.argmax(2).tolist()
    wanted: Any = sample.target.view(50, 15).tolist()  # type: ignore[union-attr]
    for row, asked in zip(seen, wanted, strict=True):
        assert all(1 <= symbol <= 3 for symbol in row[:4])
        assert row[4:] == [0] * 6 + [4] + [0] * 4  # the marker is `delay` ticks behind the last symbol
        assert asked == [0] * 11 + row[:4]
    assert {symbol for row in seen for symbol in row[:4]} == {1, 2, 3}


def test_seeds_differ_and_what_is_held_out_is_another_draw() -> None:
    one, other = Adding(5, seed=0, dtype=torch.float64), Adding(5, seed=1, dtype=torch.float64)
    assert not torch.equal(one.held_out().inputs, other.held_out().inputs)
    given = torch.cat([next(one).inputs for _ in range(200)])
    assert not torch.isin(one.held_out().inputs[:, :, 0], given[:, :, 0]).any()
    assert one.held_out().inputs.shape == (1000, 5, 2)


def test_permuted_pixels_are_the_same_pixels_in_one_other_order() -> None:
    plain, other, again = (
        TabularStream("digits", 64, seed=seed, permuted=permuted)
        for seed, permuted in ((3, False), (3, True), (3, True))
    )
    first = next(plain)
    x, y = first.inputs[0, :, 0], next(other).inputs[0, :, 0]
    assert torch.equal(x.sort().values, y.sort().values) and not torch.equal(x, y)
    a, b = plain.held_out(), other.held_out()
    order = torch.cdist(a.inputs[:, :, 0].t().double(), b.inputs[:, :, 0].t().double()).argmin(0)
    assert torch.equal(a.inputs[:, order], b.inputs) and torch.equal(a.target, b.target)  # type: ignore[arg-type]
    assert torch.equal(b.inputs, again.held_out().inputs)
    assert not torch.equal(b.inputs, TabularStream("digits", 64, seed=4, permuted=True).held_out().inputs)


def test_bad_ticks() -> None:
    with pytest.raises(BadInput, match=r"stream\.ticks=1: allowed: at least 2"):
        Adding(1)
