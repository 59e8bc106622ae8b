"""Distances between weights, to the bit."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hl_cli.compare.differences import Differences, distance, max_ulp


def test_ulps_by_hand() -> None:
    one = torch.tensor([1.0])
    assert max_ulp(one, one) == 0
    assert max_ulp(torch.tensor([0.0]), torch.tensor([-0.0])) == 1
    smallest = torch.tensor([5e-324], dtype=torch.float64)
    assert max_ulp(smallest, -smallest) == 3  # -tiny, -0, +0, +tiny
    assert max_ulp(torch.tensor([1.0]), torch.tensor([2.0])) == 2**23
    assert max_ulp(torch.tensor([1.0]).double(), torch.tensor([2.0]).double()) == 2**52
    largest = torch.tensor([1.7976931348623157e308], dtype=torch.float64)
    assert max_ulp(largest, -largest) == 2 * (2047 * 2**52 - 1) + 1  # more than an int64 holds


@given(st.floats(-(2.0**90), 2.0**90, width=32), st.integers(1, 50))
def test_ulps_count_neighbours(start: float, steps: int) -> None:
    a = torch.tensor([start])
    b = a.clone()
    for _ in range(steps):
        b = torch.nextafter(b, torch.tensor([torch.inf]))
    crossing = 1 if math.copysign(1, start) < 0 <= float(b) else 0  # nextafter steps over the second zero
    assert max_ulp(a, b) in (steps, steps + crossing)
    assert max_ulp(a, b) == max_ulp(b, a)


def test_distance_by_hand() -> None:
    found = distance(torch.tensor([1.0, 5.0]), torch.tensor([1.0, 2.0]))
    assert (found.max_abs, found.mean_abs) == (3.0, 1.5)
    assert found.relative == pytest.approx(3 / 5**0.5)
    assert distance(torch.tensor([1.0]), torch.tensor([0.0])).relative == math.inf


def test_minus_zero_is_a_difference() -> None:
    found = distance(torch.tensor([0.0]), torch.tensor([-0.0]))
    assert found.max_abs == 0.0 and found.max_ulp == 1
    apart = Differences({"w": torch.tensor([0.0])}, {"w": torch.tensor([-0.0])})
    assert not apart.compare(1, apart.snapshot("hl"), apart.snapshot("pytorch"))


def test_first_steps_by_tensor() -> None:
    hl = {"a": torch.zeros(2, 2), "b": torch.ones(3)}
    pytorch = {name: w.clone() for name, w in hl.items()}
    apart = Differences(hl, pytorch)
    for step in range(1, 6):
        if step == 3:
            hl["b"][1] = torch.nextafter(hl["b"][1], torch.tensor(2.0))
        if step == 4:
            hl["b"][1] = 1.0  # equal again: the first step stays
        equal = apart.compare(step, apart.snapshot("hl"), apart.snapshot("pytorch"))
        assert equal == (step != 3)
    assert apart.first_step == 3 and apart.first_steps == {"b": 3}
    a, b = apart.by_tensor()
    assert (a.tensor, a.shape, a.first_step) == ("a", (2, 2), None)
    assert (b.tensor, b.first_step, b.distance.max_ulp) == ("b", 3, 0)


def test_other_weights_are_refused() -> None:
    with pytest.raises(ValueError, match="other weights"):
        Differences({"a": torch.zeros(2)}, {"a": torch.zeros(3)})
