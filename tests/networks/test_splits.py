"""What a tick sees of a sample."""

from __future__ import annotations

import torch

from hl_cli.networks.splits import one_by_one


def test_ticks_are_views_of_the_sample_in_their_order() -> None:
    inputs = torch.randn(2, 3, 4)
    ticks = one_by_one(inputs)
    seen = [*ticks]
    assert len(seen) == len(ticks) == 3
    for t, u in enumerate(seen):
        assert torch.equal(u, inputs[:, t]) and u.data_ptr() == ticks[t].data_ptr() == inputs[:, t].data_ptr()
