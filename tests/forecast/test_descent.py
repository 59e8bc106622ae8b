"""A loss that is not finite stops the training of replicates before any weight moves."""

from __future__ import annotations

import pytest
import torch

from hl_cli.errors import BadInput
from hl_cli.replicates.training import Descent, NotFinite


def test_no_weight_moves_after_a_loss_that_is_not_finite() -> None:
    w = torch.ones(3, 2, requires_grad=True)
    descent = Descent([([w], 0.1)], steps=10, most=1.0)
    descent.step(w.square().sum(1))
    before = w.detach().clone()
    assert not torch.equal(before, torch.ones(3, 2))
    with pytest.raises(NotFinite) as stop:
        descent.step(w.sum(1) * torch.tensor([1.0, torch.nan, 1.0]))
    assert (stop.value.replicate, stop.value.step) == (1, 2)
    assert torch.equal(w, before)


def test_weights_of_another_net_are_refused() -> None:
    """Nothing is broadcast into place."""
    kept = Descent([([torch.ones(3, 1, 4)], 0.1)], steps=10, most=1.0).state_dict(over=False)
    w = torch.zeros(3, 4, 4)
    with pytest.raises(BadInput, match="checkpoint: its weights have other shapes, those of another version; allowed"):
        Descent([([w], 0.1)], steps=10, most=1.0).load_state_dict(kept)
    assert not w.any()
