"""HL as a torch.optim.Optimizer, by the optimizer that it equals (foreach=False), each on parameters of its own."""

from __future__ import annotations

import torch
from ratios import compare
from torch import nn

from hl_cli import HL


def parameters(count: int, tensors: int) -> list[nn.Parameter]:
    found = [nn.Parameter(torch.randn(count // tensors)) for _ in range(tensors)]
    for p in found:
        p.grad = torch.randn_like(p)
    return found


def optimizers() -> None:
    print("\nAn optimizer step, hl_cli.HL by torch.optim.AdamW(foreach=False), from the same gradients")
    for count, tensors, limit in ((1_000, 100, 0.7), (100_000, 100, 0.7), (10_000_000, 100, 1.0)):
        hl = HL.equal_to(torch.optim.AdamW, parameters(count, tensors))
        stock = torch.optim.AdamW(parameters(count, tensors), foreach=False)
        compare(f"{count:.0e} weights, {tensors} tensors", limit, hl.step, stock.step)
