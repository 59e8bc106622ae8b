"""What a state net keeps of a sequence: never more states and tapes at a time than its mode says."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from hl_cli.dynamics.accumulator import GradientAccumulator
from hl_cli.networks.blocks import Block, Pulled
from hl_cli.networks.feedforward import Dense
from hl_cli.networks.memory import SEGMENT, Memory
from hl_cli.networks.recurrent import TanhCell
from hl_cli.networks.sequence import SequenceRun


class Counted(TanhCell):
    """A cell that counts its ticks, and the tapes that are alive."""

    alive = most = ticks = 0

    def candidate(self, x: Tensor, h: Any) -> Any:
        self.ticks += 1
        return super().candidate(x, h)

    def record(self, x: Tensor, h: Any, want_x: bool = True) -> Any:
        self.alive += 1
        self.most = max(self.most, self.alive)
        return super().record(x, h, want_x)  # which ticks by candidate

    def vjp(self, *arguments: Any, **options: Any) -> Pulled:
        self.alive -= 1
        return super().vjp(*arguments, **options)


def kept_by(neurons: SequenceRun) -> Memory:
    assert neurons.memory is not None
    return neurons.memory


def ran(ticks: int, memory: str, every: bool = False) -> tuple[Counted, SequenceRun, int, list[Tensor]]:
    torch.manual_seed(0)
    cell, head = nn.RNNCell(2, 3), nn.Linear(3, 2)
    block = Counted(cell)
    blocks: Sequence[Block] = [block, Dense(head)]
    parameters = [*cell.parameters(), *head.parameters()]
    drive = GradientAccumulator.of(*parameters)
    with torch.no_grad():
        neurons = SequenceRun(blocks, torch.randn(ticks, 4, 2).unbind(0), every=every)
        shown = neurons.run(memory)
        kept = len(kept_by(neurons).kept)
        neurons.vjp([torch.randn(4, 2, generator=torch.Generator().manual_seed(1)) for _ in shown], drive)
    return block, neurons, kept, [drive[p] for p in parameters]


@pytest.mark.parametrize("ticks", [1, 2, 3, 15, 16, 17, 100])
@pytest.mark.parametrize("memory", SEGMENT)
def test_states_tapes_and_ticks(memory: str, ticks: int) -> None:
    block, neurons, kept, _ = ran(ticks, memory)
    segment = SEGMENT[memory](ticks)
    assert segment == {"store": ticks, "segments": math.ceil(math.sqrt(ticks)), "recompute": 1}[memory]
    last = ticks - (ticks - 1) // segment * segment
    assert kept == math.ceil(ticks / segment)
    assert block.most == segment if ticks > segment else block.most == ticks
    assert block.ticks == ticks + ticks - last  # all but the last segment run twice
    assert block.alive == 0 and not kept_by(neurons).kept and not kept_by(neurons).tapes


@pytest.mark.parametrize("every", [False, True])
@pytest.mark.parametrize("ticks", [1, 2, 10, 37])
def test_the_same_bits(ticks: int, every: bool) -> None:
    store, *others = (ran(ticks, memory, every)[3] for memory in SEGMENT)
    for other in others:
        assert all(torch.equal(a, b) for a, b in zip(store, other, strict=True))
