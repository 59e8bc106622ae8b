"""Memories cut into pieces: each tensor is found again in them, and what is written through it is in its memory."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from hl_cli.engine.parts import Parts, called, whole
from hl_cli.engine.pieces import MOST, cut
from hl_cli.engine.recorder import Unrecordable

aten = torch.ops.aten


def slots(count: int, each: int = 6) -> tuple[Tensor, list[Tensor]]:
    """A flat buffer with a gap after each slot, and the slots, every other one transposed."""
    flat = torch.arange(float(count * (each + 2)))
    found = [flat[k * (each + 2) :][:each].view(2, each // 2) for k in range(count)]
    return flat, [one.t() if k % 2 else one for k, one in enumerate(found)]


@pytest.mark.parametrize("count", [1, 3, MOST])
def test_each_tensor_is_found_again(count: int) -> None:
    theta, slots_of_theta = slots(count)
    omega = torch.arange(float(len(theta))) + 0.5  # of which only the whole is used: it is cut as theta
    grid = torch.arange(24.0).view(2, 3, 4)
    others = [grid, grid[1], grid[:, 1, ::2], grid[0, 0], torch.tensor(3.0), torch.zeros(0, 3)]
    tensors = [theta, *slots_of_theta, omega, *others]
    pieces, places = cut(tensors)
    for tensor, place in zip(tensors, places, strict=True):
        assert torch.equal(whole(place.of(pieces)), tensor)
    assert isinstance(places[0].of(pieces), Parts) == (2 * count <= MOST)
    begins = {one.data_ptr() for one in tensors}
    assert {one.untyped_storage().data_ptr() for one in pieces if one.numel()} <= begins  # nothing is copied


def test_what_is_written_is_in_the_memory() -> None:
    theta, of = slots(3)
    omega, (expected, before) = torch.ones_like(theta), (theta.clone(), theta.clone())
    pieces, places = cut([theta, *of, omega])
    flat, added = places[0].of(pieces), places[-1].of(pieces)
    assert called(aten.add_.Tensor, [flat, added], {"alpha": 2}) is flat  # element by element
    assert torch.equal(theta, expected.add_(omega, alpha=2)) and not torch.equal(theta, before)
    called(aten.mul_.Tensor, [flat, torch.tensor([0.5])], {})
    called(aten.copy_.default, [added, torch.arange(float(len(omega)))], {})
    assert torch.equal(theta, expected.mul_(0.5)) and torch.equal(omega, torch.arange(float(len(omega))))
    called(aten.cumsum_.default, [flat, 0], {})  # not element by element
    assert torch.equal(theta, expected.cumsum_(0))
    assert torch.allclose(called(aten.sum.default, [flat], {}), theta.sum())
    assert torch.equal(called(aten.linalg_vector_norm.default, [flat], {}), torch.linalg.vector_norm(theta))
    called(aten.exp.out, [added], {"out": flat})
    assert torch.equal(theta, omega.exp())


def test_numbers_of_two_types_in_one_memory_are_refused() -> None:
    one = torch.zeros(4)
    with pytest.raises(Unrecordable, match="two types"):
        cut([one, one.view(torch.int32)])
