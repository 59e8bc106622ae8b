"""What it pays to write a pull-back out: a tick recorded and pulled back by hand, by the same through autograd."""

from __future__ import annotations

from functools import partial

import torch
from ratios import compare
from torch import nn

from hl_cli.dynamics.accumulator import GradientAccumulator
from hl_cli.networks.blocks import Block, ModuleBlock
from hl_cli.networks.feedforward import Dense
from hl_cli.networks.recurrent import TanhCell

WIDTH = 128


@torch.no_grad()
def tick(
    block: Block, x: torch.Tensor, h: tuple[torch.Tensor, ...], z: torch.Tensor, drive: GradientAccumulator
) -> None:
    _, tape = block.record(x, h)
    drive.start()
    block.vjp(tape, (z,), drive)


def pullback() -> None:
    print(f"\nOne tick of a block of {WIDTH} neurons, recorded and pulled back: by hand by ModuleBlock (autograd)")
    linear, cell = nn.Linear(WIDTH, WIDTH), nn.RNNCell(WIDTH, WIDTH)
    layer = nn.Sequential(linear, nn.Tanh())
    for name, written, module, remembers in (
        ("dense, tanh", Dense(linear, "tanh"), ModuleBlock(layer), False),
        ("rnn cell", TanhCell(cell), ModuleBlock(cell, WIDTH), True),
    ):
        for batch in (1, 32):
            x, h, z = (torch.randn(batch, WIDTH) for _ in range(3))
            sides = [
                partial(tick, block, x, (h,) if remembers else (), z, GradientAccumulator.of(*block.parameters))
                for block in (written, module)
            ]
            compare(f"{name}, batch {batch}", 1.0, *sides)
