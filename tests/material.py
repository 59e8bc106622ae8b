"""What streams need to be built in a test: small files made on the spot, and the real data where they are."""

from __future__ import annotations

import atexit
import math
import os
import random
import shutil
from datetime import datetime, timedelta
from functools import cache
from importlib import resources
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import pytest
import torch

import hl_cli
from hl_cli.types import Sample, Task
from tests.image_files import cifar_files, mnist_files

OPTIONS = sorted(
    f.name.removesuffix(".yaml")
    for f in (resources.files("hl_cli.configs") / "stream").iterdir()
    if f.name.endswith(".yaml")
)
IMAGES = {"mnist", "mnist_rows", "mnist_pixels", "fashion_mnist", "kmnist", "cifar10"}
REAL = Path(os.environ.get("HL_DATA_ROOT") or Path(__file__).resolve().parents[2] / "shared" / "data")


def real(name: str) -> Path:
    """Real data of this name; skips the test where they are not at hand."""
    if not (REAL / name).exists():
        pytest.skip(f"{name} is not in {REAL}; HL_DATA_ROOT names the folder")
    return REAL / name


@cache
def folder() -> Path:
    """A folder with a file of each kind, gone when Python ends."""
    root = Path(mkdtemp(prefix="hl-run-tests-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    for kind in ("MNIST", "FashionMNIST", "KMNIST"):
        mnist_files(root, kind)
    cifar_files(root, pytest.MonkeyPatch())
    draw = random.Random(0)
    rows = [f"{k},{math.sin(k / 5):.6f},{draw.gauss(0, 1):.6f}" for k in range(8000)]
    (root / "series.csv").write_text("\n".join(["hour,load,noise", *rows]) + "\n")
    load = [f"{date},{math.sin(k / 4):.6f},{draw.gauss(20, 5):.6f}" for k, date in enumerate(_hours(2000))]
    (root / "ETTh1.csv").write_text("\n".join(["date,HUFL,OT", *load]) + "\n")
    (root / "text.txt").write_text("".join(draw.choice("the quick brown föx\n") for _ in range(3000)))
    np.save(root / "videos.npy", (np.arange(50 * 24 * 256) % 251).reshape(50, 24, 16, 16).astype(np.uint8))
    return root


def _hours(count: int) -> list[str]:
    return [str(datetime(2016, 7, 1) + timedelta(hours=k)) for k in range(count)]


def needs(option: str) -> list[str]:
    """Overrides without which the stream cannot be built."""
    if option in IMAGES:
        return [f"stream.root={folder()}"]
    return {
        "series": [f"stream.path={folder() / 'series.csv'}", "stream.target=load", "stream.time=hour", "stream.lags=4"],
        "text": [f"stream.path={folder() / 'text.txt'}"],
        "plugin": ["stream.factory=tests.material:Coin"],
    }.get(option, [])


class Coin(hl_cli.Stream):
    """A user's stream: whether the sum of some numbers is above zero; every third sample has no target."""

    ticks, task = 2, Task("classes", 2)

    def __init__(self, batch_size: int, seed: int, features: int = 3, **place: Any) -> None:
        self.features, self.batch_size, self.seed, self.place, self.given = features, batch_size, seed, place, 0

    def _draw(self, count: int, number: int) -> Sample:
        coin = torch.Generator().manual_seed(self.seed * 1000 + number)
        x = torch.randn(count, self.ticks, self.features, generator=coin).to(**self.place)
        return Sample(x, None if number % 3 == 2 else (x.sum((1, 2)) > 0).long())

    def __next__(self) -> Sample:
        self.given += 1
        return self._draw(self.batch_size, self.given)

    def held_out(self) -> Sample:
        return self._draw(50, 0)

    def state_dict(self) -> dict[str, Any]:
        return {"given": self.given}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.given = state["given"]


def net(features: int, ticks: int, outputs: int, every: bool, width: int = 5) -> torch.nn.Module:
    """A user's net."""
    nn = torch.nn
    first = (
        [nn.Flatten(0, 1), nn.Linear(features, width)] if every else [nn.Flatten(), nn.Linear(ticks * features, width)]
    )
    return nn.Sequential(*first, nn.LayerNorm(width), nn.GELU(), nn.Linear(width, outputs))


class Wrong(Coin):
    """A user's stream with one fault."""

    def __init__(self, fault: str, **place: Any) -> None:
        super().__init__(**place)
        self.fault, self.buffer = fault, torch.zeros(self.batch_size, self.ticks, self.features, dtype=place["dtype"])
        self.left = {"empty": 0, "ends": 5}.get(fault, 10**9)
        if fault == "task":
            self.task = None  # type: ignore[assignment]
        elif fault == "kind":
            self.task = Task("class", 2)
        elif fault == "ticks":
            self.ticks = 0
        elif fault == "values":
            self.task = Task("values", 1)

    def _draw(self, count: int, number: int) -> Sample:
        sample = super()._draw(count, 0)
        assert sample.target is not None
        if self.fault == "shape":
            return sample._replace(inputs=sample.inputs.flatten(1))
        if self.fault == "dtype":
            return sample._replace(inputs=sample.inputs.int())
        if self.fault == "class":
            return sample._replace(target=sample.target + 5)
        if self.fault == "nan":
            return sample._replace(inputs=sample.inputs * torch.nan)
        if self.fault == "baseline" and number:
            return sample._replace(baseline=sample.target)
        if self.fault == "late nan" and number > 3:
            return sample._replace(inputs=sample.inputs * torch.nan)
        if self.fault == "never" and number:
            return sample._replace(target=None)
        if self.fault == "shared" and number:
            return sample._replace(inputs=self.buffer.add_(1))
        return sample

    def __next__(self) -> Sample:
        if not self.left:
            raise StopIteration
        self.left -= 1
        if self.fault == "raises":
            raise RuntimeError("my own\nfault")
        return super().__next__()

    def held_out(self) -> Sample:
        sample = super().held_out()
        assert sample.target is not None
        if self.fault == "no held-out":
            return Sample(sample.inputs[:0], sample.target[:0])
        return sample._replace(target=None) if self.fault == "no held-out target" else sample


def in_place(features: int, ticks: int, outputs: int, every: bool) -> torch.nn.Module:
    """A user's net that changes what it is given."""
    nn = torch.nn
    return nn.Sequential(nn.Flatten(), nn.SiLU(inplace=True), nn.Linear(ticks * features, outputs))


def frozen(features: int, ticks: int, outputs: int, every: bool) -> torch.nn.Module:
    """A user's net that learns nothing."""
    return net(features, ticks, outputs, every).requires_grad_(False)


class _Sometimes(torch.nn.Module):
    """Its second layer is used for batches of two alone."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.always, self.sometimes = torch.nn.Linear(inputs, outputs), torch.nn.Linear(inputs, outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.always(x)
        return y + self.sometimes(x) if len(x) == 2 else y


def sometimes(features: int, ticks: int, outputs: int, every: bool) -> torch.nn.Module:
    """A net some of whose weights may have no gradient."""
    return torch.nn.Sequential(torch.nn.Flatten(), _Sometimes(features * ticks, outputs))


def dropping(features: int, ticks: int, outputs: int, every: bool) -> torch.nn.Module:
    """A net that draws random numbers when it learns."""
    return torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(features * ticks, 6), torch.nn.Dropout(0.5), torch.nn.Linear(6, outputs)
    )
