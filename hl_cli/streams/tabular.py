"""Real tables from the scikit-learn wheel as endless streams: digits, iris, wine, breast_cancer.

A table of N samples is cut 80/20 by the seed. The training part is given in a new order each epoch, the order drawn
from (seed, epoch), so (epoch, position) is all there is to resume. Features may be cut into ticks: a digit of 64
pixels is 1 tick of 64, 8 rows of 8, or 64 single pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from sklearn import datasets
from torch import Tensor

from hl_cli.errors import BadInput
from hl_cli.streams.base import Description
from hl_cli.types import Sample


@dataclass(frozen=True)
class Table:
    """How a table is loaded and scaled: divided by `scale`, or standardised on the training part where it is None."""

    load: Callable
    scale: float | None
    origin: str


TABLES = {
    "digits": Table(datasets.load_digits, 16.0, "Optical Recognition of Handwritten Digits, UCI, 8x8 pixels in 0..1"),
    "iris": Table(datasets.load_iris, None, "Iris, R. A. Fisher 1936, UCI, standardised on the training part"),
    "wine": Table(datasets.load_wine, None, "Wine recognition, UCI, standardised on the training part"),
    "breast_cancer": Table(
        datasets.load_breast_cancer,
        None,
        "Breast Cancer Wisconsin (Diagnostic), UCI, standardised on the training part",
    ),
}


def shuffled(count: int, *key: int) -> Tensor:
    """Permute 0..count-1, always in the same way for the same key."""
    seed = 0
    for part in key:
        seed = (seed * 1_000_003 + part) % (2**63)
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed))


class TabularStream:
    """An endless stream over one table, reshuffled each epoch; a batch may span two epochs."""

    def __init__(
        self,
        name: str,
        ticks: int = 1,
        held_out: float = 0.2,
        batch_size: int = 1,
        seed: int = 0,
        dtype: torch.dtype = torch.float32,
        device: str = "cpu",
    ) -> None:
        if name not in TABLES:
            raise BadInput(f"stream.dataset={name}: no such table; allowed: {', '.join(TABLES)}")
        self.name, self.seed, self.batch_size = name, seed, batch_size
        table = TABLES[name]
        raw, classes = table.load(return_X_y=True)
        x, y = torch.from_numpy(raw).double(), torch.from_numpy(classes).long()
        if x.shape[1] % ticks:
            raise BadInput(f"stream.ticks={ticks}: {name} has {x.shape[1]} features, which {ticks} does not divide")
        order = shuffled(len(x), seed, 0)
        last = len(x) - round(len(x) * held_out)
        if not 1 < last < len(x):
            raise BadInput(
                f"stream.held_out={held_out}: {name} has {len(x)} samples, which leaves {last} to train on and "
                f"{len(x) - last} held out; allowed: a part that leaves at least 2 and 1"
            )
        train, test = order[:last], order[last:]
        if table.scale is not None:
            x = x / table.scale
        else:
            spread = x[train].std(0)
            x = (x - x[train].mean(0)) / torch.where(spread > 0, spread, 1.0)  # a constant feature stays 0
        x = x.reshape(len(x), ticks, -1).to(device, dtype)
        y = y.to(device)
        self.ticks, self.features, self.classes = ticks, x.shape[2], int(y.max()) + 1
        self._train = Sample(x[train], y[train])
        self._held_out = Sample(x[test], y[test])
        self._epoch, self._position = 0, 0
        self._shuffle()

    def _shuffle(self) -> None:
        """Lay the training part out in the order of this epoch, so that a batch is a slice."""
        order = shuffled(len(self._train.target), self.seed, 1, self._epoch)
        self._inputs, self._target = self._train.inputs[order], self._train.target[order]

    def __iter__(self) -> Iterator[Sample]:
        return self

    def __next__(self) -> Sample:
        end = self._position + self.batch_size
        if end <= len(self._target):
            sample = Sample(self._inputs[self._position : end], self._target[self._position : end])
            self._position = end
            return sample
        inputs, target = [], []
        missing = self.batch_size
        while missing:
            if self._position == len(self._target):
                self._epoch, self._position = self._epoch + 1, 0
                self._shuffle()
            here = slice(self._position, self._position + missing)
            inputs.append(self._inputs[here])
            target.append(self._target[here])
            missing -= len(target[-1])
            self._position += len(target[-1])
        return Sample(torch.cat(inputs), torch.cat(target))

    def held_out(self) -> Sample:
        """All held-out samples as one batch."""
        return self._held_out

    def state_dict(self) -> dict[str, int]:
        """Epoch and position in it."""
        return {"epoch": self._epoch, "position": self._position}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go to that epoch and position."""
        self._epoch, self._position = state["epoch"], state["position"]
        self._shuffle()

    def describe(self) -> Description:
        """What the report says of this stream."""
        test = self._held_out.target
        return Description(
            name=self.name,
            origin=TABLES[self.name].origin + ", from the scikit-learn wheel",
            licence="CC BY 4.0",
            ticks=self.ticks,
            features=self.features,
            classes=self.classes,
            train_samples=len(self._train.target),
            held_out_samples=len(test),
            chance=float(torch.bincount(test).max()) / len(test),
        )
