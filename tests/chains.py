"""Small nets cut into blocks, and samples for them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from hl_cli.dynamics.equivalence import SGD, physics_of
from hl_cli.learners.pipeline import Pipeline
from hl_cli.networks.feedforward import dense_blocks, feedforward
from hl_cli.networks.splits import split_chain
from hl_cli.types import Sample

WIDTH, CLASSES = 5, 3
Make = Callable[..., Pipeline]
MOMENTUM = SGD(lr=0.05, momentum=0.7, dampening=0.3)


def net_of(depth: int, dtype: torch.dtype = torch.float64) -> nn.Sequential:
    torch.manual_seed(depth)
    return feedforward(WIDTH, [WIDTH] * (depth - 1), CLASSES).to(dtype)


def samples(count: int, dtype: torch.dtype = torch.float64, batch: int = 2, skip: int = 0) -> list[Sample]:
    """skip: every so many samples one has no target."""
    draw = torch.Generator().manual_seed(1)
    found = []
    for k in range(count):
        x = torch.randn(batch, 1, WIDTH, generator=draw, dtype=torch.float64).to(dtype)
        target = torch.randint(CLASSES, (batch,), generator=draw)
        found.append(Sample(x, None if skip and k % skip == skip - 1 else target))
    return found


def learner_of(make: Make, net: nn.Sequential, sgd: SGD = MOMENTUM, split: str = "state", **options: Any) -> Pipeline:
    own = copy.deepcopy(net)
    chain = split_chain(own, dense_blocks(own, "tanh"), split)
    return make(chain, functional.cross_entropy, physics_of(sgd), **options)
