"""Samples of one form: one by one, in parts, and one after the other, they are what their tensors hold."""

from __future__ import annotations

import pytest
import torch

from hl_cli.errors import BadInput
from hl_cli.streams.samples import Samples, chained, led_by
from hl_cli.types import Sample
from tests.bits import same


def block(count: int, batch: int = 2, baseline: bool = True) -> Samples:
    torch.manual_seed(count)
    target = torch.randn(count, batch, 3)
    return Samples(torch.randn(count, batch, 4, 5), target, target + 1 if baseline else None)


@pytest.mark.parametrize("baseline", [True, False])
def test_its_samples(baseline: bool) -> None:
    whole = block(6, baseline=baseline)
    assert len(whole) == 6 and len(list(whole)) == 6
    for k, sample in enumerate(whole):
        assert type(sample) is Sample and same(sample, whole[k])
        assert torch.equal(sample.inputs, whole.inputs[k]) and (sample.baseline is not None) is baseline
    part = whole[2:5]
    assert isinstance(part, Samples) and same(list(part), list(whole)[2:5])
    assert part.inputs.data_ptr() == whole.inputs[2].data_ptr()  # nothing is copied
    assert same(whole[-1], whole[5])
    with pytest.raises(IndexError):
        whole[6]


def test_one_after_the_other() -> None:
    parts = [block(3), block(1), block(4)]
    found = chained(parts)
    assert isinstance(found, Samples) and same(list(found), [sample for part in parts for sample in part])
    led = led_by(parts[1][0], parts[2])
    assert isinstance(led, Samples) and same(list(led), [*parts[1], *parts[2]])


@pytest.mark.parametrize(
    "other",
    [block(2, batch=3), block(2, baseline=False), list(block(2)), Samples(block(2).inputs.double(), block(2).target)],
)
def test_what_is_of_another_form_makes_a_list(other: object) -> None:
    parts = [block(3), other]
    found = chained(parts)  # type: ignore[arg-type]
    assert isinstance(found, list) and same(found, [sample for part in parts for sample in part])  # type: ignore[attr-defined]


def test_samples_that_do_not_lie_as_copies_would_stay_as_they_are() -> None:
    """What is recorded of a step goes by how its sample lies."""
    wide = torch.randn(4, 2, 3, 6)[..., ::2]
    parts = [Samples(wide[:2], torch.zeros(2, 2)), Samples(wide[2:], torch.zeros(2, 2))]
    found = chained(parts)
    assert isinstance(found, list) and found[3].inputs.stride() == wide[3].stride()


def test_as_many_of_each() -> None:
    with pytest.raises(BadInput, match=r"\(3, 1, 1, 2\), \(2, 1\), None.; allowed: as many of each"):
        Samples(torch.zeros(3, 1, 1, 2), torch.zeros(2, 1)).check()
