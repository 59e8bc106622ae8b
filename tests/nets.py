"""Nets as users write them: not a Sequential, with branches, noise, other layouts; each a factory of model=."""

from __future__ import annotations

import os
import random
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

FACTORY = "tests.nets"


class Branches(nn.Module):
    """One branch is taken for some samples alone, another never; no Sequential."""

    def __init__(self, features: int, ticks: int, outputs: int, every: bool = False) -> None:
        super().__init__()
        self.always, self.sometimes = nn.Linear(features * ticks, 8), nn.Linear(features * ticks, 8)
        self.never, self.head = nn.Linear(2, 2), nn.Linear(8, outputs)
        self.taken = 0

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(1)
        y = self.always(x)
        if float(x.sum()) > 19.0:
            self.taken += 1
            y = y + self.sometimes(x)
        return self.head(torch.tanh(y))


class Deaf(nn.Module):
    """A layer that hears what is below it only now and then."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear, self.own = nn.Linear(width, width), nn.Parameter(torch.ones(1, width))
        self.heard: list[bool] = []

    def forward(self, x: Tensor) -> Tensor:
        self.heard.append(x[0, 0].item() * 100 % 1 > 0.5)
        return torch.tanh(self.linear(x) if self.heard[-1] else self.own.expand(len(x), -1) * 0.5)


def deaf(features: int, ticks: int, outputs: int, every: bool = False) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(features * ticks, 6), Deaf(6), nn.Linear(6, outputs))


class Lambda(nn.Module):
    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


DRAWS = {
    "dropout": lambda x: nn.functional.dropout(x, 0.5),
    "gauss": lambda x: x + 0.1 * torch.randn_like(x),
    "numpy": lambda x: x + float(np.random.rand()),
    "python": lambda x: x + random.random(),
    "unseeded": lambda x: x + os.urandom(1)[0] / 255,
}


def drawing(features: int, ticks: int, outputs: int, every: bool, kind: str) -> nn.Module:
    return nn.Sequential(
        nn.Flatten(), nn.Linear(features * ticks, 16), nn.Tanh(), Lambda(DRAWS[kind]), nn.Linear(16, outputs)
    )


def image(x: Tensor) -> Tensor:
    return x.reshape(-1, 1, 8, 8)


def unusual(features: int, ticks: int, outputs: int, every: bool, kind: str) -> nn.Module:
    """Nets that PyTorch takes, whose weights are not plain rows of float32 to begin with."""
    width = features * ticks
    net = nn.Sequential(nn.Flatten(), nn.Linear(width, 8), nn.Tanh(), nn.Linear(8, outputs))
    if kind == "channels_last":
        layers = (Lambda(image), nn.Conv2d(1, 4, 3), nn.Tanh(), nn.Conv2d(4, 4, 3), nn.Flatten())
        return nn.Sequential(*layers, nn.Linear(64, outputs)).to(memory_format=torch.channels_last)
    if kind == "transposed":
        net[1].weight = nn.Parameter(torch.randn(width, 8).mul(0.1).t())
    if kind == "lazy":
        return nn.Sequential(nn.Flatten(), nn.LazyLinear(8), nn.Tanh(), nn.LazyLinear(outputs))
    if kind == "batch_norm":
        net.insert(2, nn.BatchNorm1d(8))
    if kind == "mixed":
        net[3].double()
        net.insert(3, Lambda(Tensor.double))
    if kind == "complex":
        net[1] = nn.Linear(width, 8, dtype=torch.complex64)
        net.insert(1, Lambda(lambda x: x.to(torch.complex64)))
        net.insert(3, Lambda(torch.real))
    if kind == "half":
        net.half()
        net.insert(0, Lambda(Tensor.half))
    if kind == "sparse":
        lookup = nn.Sequential(Lambda(lambda x: x.flatten(1).clamp(0, 16).long()), nn.Embedding(17, 8, sparse=True))
        return nn.Sequential(lookup, Lambda(lambda x: x.mean(1)), nn.Linear(8, outputs))
    if kind == "detached":
        net.append(Lambda(Tensor.detach))
    return net


class OwnCell(nn.Module):
    """tanh(A x + B h), with a weight that is never used; drop: the probability of dropout on h."""

    def __init__(self, features: int, ticks: int, outputs: int, every: bool, drop: float = 0.0) -> None:
        super().__init__()
        self.hidden_size, self.drop = 6, drop
        self.a, self.b, self.never = nn.Linear(features, 6), nn.Linear(6, 6), nn.Linear(2, 2)

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        return nn.functional.dropout(torch.tanh(self.a(x) + self.b(h)), self.drop, self.training)


class PairCell(nn.Module):
    """A cell with two state tensors of different widths; wrong: what it then breaks of the contract."""

    def __init__(self, features: int, ticks: int, outputs: int, every: bool, wrong: str = "") -> None:
        super().__init__()
        self.hidden_size: Any = {"width": None, "zero": (5, 0)}.get(wrong, (5, 3))
        self.a, self.b = nn.Linear(features + 8, 5), nn.Linear(features + 8, 3)
        self.wrong = wrong

    def forward(self, x: Tensor, h: tuple[Tensor, Tensor]) -> Any:
        z = torch.cat([x, *h], 1)
        p, q = torch.tanh(self.a(z)), torch.tanh(self.b(z))
        return p if self.wrong == "one" else (q, p) if self.wrong == "turned" else (p, q)


def torch_cell(features: int, ticks: int, outputs: int, every: bool, kind: str) -> nn.Module:
    return getattr(nn, kind)(features, 6)
