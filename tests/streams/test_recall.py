"""Tasks that ask for memory, against a loop that remembers everything."""

from __future__ import annotations

from itertools import islice, pairwise

import pytest
import torch

from hl_cli.errors import BadInput
from hl_cli.streams.recall import Recall
from hl_cli.streams.windows import PIECE


@pytest.mark.parametrize("delay", [1, 5, 50])
def test_copy(delay: int) -> None:
    seen = [float(s.inputs) for s in islice(Recall("copy", delay), 2 * PIECE + 9)]
    said = [float(s.target) for s in islice(Recall("copy", delay), 2 * PIECE + 9)]  # type: ignore[arg-type]
    assert said[delay:] == seen[:-delay] and set(seen) == {-1.0, 1.0}
    assert abs(sum(seen)) < 4 * len(seen) ** 0.5


@pytest.mark.parametrize("delay", [1, 5, 50])
def test_adding(delay: int) -> None:
    samples = list(islice(Recall("adding", delay, dtype=torch.float64), 2 * PIECE + 9))
    marked: list[float] = []
    places: list[int] = []
    for k, sample in enumerate(samples):
        value, mark = sample.inputs[0, 0].tolist()
        if mark:
            marked.append(value)
            places.append(k)
        if len(marked) >= 2:
            assert float(sample.target) == marked[-1] + marked[-2]  # type: ignore[arg-type]
    gaps = {b - a for a, b in pairwise(places)}
    assert max(gaps) == delay and min(gaps) == 1


def test_what_is_held_out_is_not_given_and_seeds_differ() -> None:
    first, other = Recall("adding", 3, seed=0), Recall("adding", 3, seed=1)
    given = torch.cat([s.inputs[0] for s in islice(first, 3000)])
    assert not torch.isin(first.held_out().inputs[:, 0, 0], given[:, 0]).any()
    assert not torch.equal(first.held_out().inputs, other.held_out().inputs)


def test_bad_delay() -> None:
    with pytest.raises(BadInput, match=r"stream\.delay=0: allowed: 1 to 4095"):
        Recall("copy", 0)
