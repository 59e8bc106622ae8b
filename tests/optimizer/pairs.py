"""An optimizer of torch and the HL that equals it, side by side on parameters of awkward shapes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from hl_cli import HL
from tests.bits import same

SHAPES = [(1,), (3,), (), (17, 2), (0, 4), (5, 1, 7), (43, 51)]
Groups = Callable[[list[nn.Parameter]], Any]


def parameters(dtype: torch.dtype = torch.float32) -> list[nn.Parameter]:
    torch.manual_seed(0)
    return [nn.Parameter(torch.randn(shape, dtype=dtype)) for shape in SHAPES]


class Pair:
    """The same gradients for both; groups: how the parameters are handed over."""

    def __init__(
        self, name: str, options: dict[str, Any], dtype: torch.dtype = torch.float32, groups: Groups = list
    ) -> None:
        kind: Any = getattr(torch.optim, name)
        self.theirs, self.ours = parameters(dtype), parameters(dtype)
        self.stock: Optimizer = kind(groups(self.theirs), foreach=False, **options)
        self.hl: Optimizer = HL.equal_to(kind, groups(self.ours), **options)
        self.draw = torch.Generator().manual_seed(1)

    def gradients(self, resting: Iterable[int] = ()) -> None:
        rests = set(resting)
        for k, (p, q) in enumerate(zip(self.theirs, self.ours, strict=True)):
            p.grad = q.grad = None
            if k not in rests:
                g = p.detach().sin() + torch.randn(p.shape, dtype=p.dtype, generator=self.draw)
                p.grad, q.grad = g, g.clone()

    def steps(self, count: int, resting: Callable[[int], Iterable[int]] = lambda step: ()) -> Pair:
        for step in range(count):
            self.gradients(resting(step))
            self.stock.step()
            self.hl.step()
        return self

    def equal(self) -> bool:
        return same(self.theirs, self.ours)
