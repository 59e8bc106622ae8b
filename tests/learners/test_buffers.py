"""What modules have beside weights, such as running means: counted once a sample, and saved."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from hl_cli.dynamics.equivalence import SGD, physics_of
from hl_cli.errors import BadInput
from hl_cli.learners.data_parallel import DataParallel
from hl_cli.learners.hamiltonian import HamiltonianLearner
from hl_cli.learners.local import Local
from hl_cli.learners.passing import Blockwise, Wave
from hl_cli.networks.splits import side_by_side, split_of, stages
from hl_cli.parallel.world import World
from hl_cli.types import Sample

WIDTH, DEPTH = 4, 3


def split() -> Any:
    torch.manual_seed(0)
    hidden = [nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.BatchNorm1d(WIDTH), nn.Tanh()) for _ in range(DEPTH - 1)]
    net = nn.Sequential(*hidden, nn.Linear(WIDTH, 3)).double()
    return split_of(net, state=stages(net), ticks=side_by_side)


def samples(count: int) -> list[Sample]:
    draw = torch.Generator().manual_seed(1)
    return [
        Sample(torch.randn(6, 1, WIDTH, generator=draw, dtype=torch.float64), torch.arange(6) % 3) for _ in range(count)
    ]


def learner(make: Any, **options: Any) -> Any:
    return make(split(), functional.cross_entropy, physics_of(SGD(0.1, 0.5)), **options)


@pytest.mark.parametrize(
    ("make", "options"), [(Local, {"stash": True}), (Local, {}), (Wave, {}), (Blockwise, {}), (HamiltonianLearner, {})]
)
def test_each_sample_is_counted_once_and_all_goes_on_from_a_state(make: Any, options: dict[str, Any]) -> None:
    first, stream = learner(make, **options), samples(20)
    for sample in stream[:12]:
        first.step(sample)
    counts = [int(b) for name, b in first.split.module.named_buffers() if name.endswith("num_batches_tracked")]
    assert counts == ([12, 11] if make is Local else [12, 12])  # the second block of `local` begins a tick later
    second = learner(make, **options)
    second.load_state_dict(first.state_dict())
    for sample in stream[12:]:
        first.step(sample)
        second.step(sample)
    held_out = stream[0].inputs
    assert torch.equal(first.predict(held_out), second.predict(held_out))


def test_parts_of_a_batch_do_not_count_for_all() -> None:
    world = World()
    world.size = 2
    with pytest.raises(BadInput, match="buffers"):
        learner(DataParallel, world=world)
