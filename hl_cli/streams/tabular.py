"""Real tables from the scikit-learn wheel as endless streams: digits, iris, wine, breast_cancer.

A table of N samples is cut 80/20 by the seed. Features may be cut into ticks: a digit of 64 pixels is 1 tick of 64,
8 rows of 8, or 64 single pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from omegaconf import MISSING
from sklearn import datasets

from hl_cli.config.fields import described
from hl_cli.config.registry import choice
from hl_cli.config.stream import StreamConfig
from hl_cli.errors import BadInput
from hl_cli.streams.shuffled import ORDER, Shuffled, shuffled
from hl_cli.types import Sample, Task


@choice("stream", home="TabularStream", seeded=True)
@dataclass
class TableConfig(StreamConfig):
    """A table of scikit-learn, reshuffled each epoch."""

    dataset: str = described(MISSING, "table", choices=("digits", "iris", "wine", "breast_cancer"))
    ticks: int = described(1, "ticks that the features of a sample are cut into", least=1)
    held_out: float = described(0.2, "part of the samples kept for evaluation", above=0, below=1)
    permuted: bool = described(False, "whether the features stand in another order, one that the seed draws for all")


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


@cache
def _loaded(dataset: str) -> tuple[np.ndarray, np.ndarray]:
    """The rows and classes of a table; scikit-learn reads its file anew at each call."""
    found: tuple[np.ndarray, np.ndarray] = TABLES[dataset].load(return_X_y=True)
    return found


class TabularStream(Shuffled):
    """An endless stream over one table of scikit-learn, in a new order each epoch.

    dataset: digits, iris, wine or breast_cancer; ticks: how many ticks the features of a sample are cut into; held_out:
    the part of the rows kept for evaluation; permuted: whether the features are put into another order, the same for
    all samples, before they are cut. Raises BadInput for other tables, and for ticks that do not divide the
    features.
    """

    licence = "CC BY 4.0"

    def __init__(
        self,
        dataset: str,
        ticks: int = 1,
        held_out: float = 0.2,
        permuted: bool = False,
        batch_size: int = 1,
        seed: int = 0,
        dtype: torch.dtype = torch.float32,
        device: str = "cpu",
    ) -> None:
        if dataset not in TABLES:
            raise BadInput(f"stream.dataset={dataset}: no such table; allowed: {', '.join(TABLES)}")
        table = TABLES[dataset]
        raw, classes = _loaded(dataset)
        x, y = torch.tensor(raw, dtype=torch.float64), torch.tensor(classes, dtype=torch.int64)
        if x.shape[1] % ticks:
            raise BadInput(f"stream.ticks={ticks}: {dataset} has {x.shape[1]} features, which {ticks} does not divide")
        order = shuffled(len(x), seed, 0)
        last = len(x) - round(len(x) * held_out)
        if not 1 < last < len(x):
            raise BadInput(
                f"stream.held_out={held_out}: {dataset} has {len(x)} samples, which leaves {last} to train on and "
                f"{len(x) - last} held out; allowed: a part that leaves at least 2 and 1"
            )
        train, test = order[:last], order[last:]
        if table.scale is not None:
            x = x / table.scale
        else:
            spread = x[train].std(0)
            x = (x - x[train].mean(0)) / torch.where(spread > 0, spread, 1.0)  # a constant feature stays 0
        if permuted:
            x = x[:, shuffled(x.shape[1], seed, ORDER)]
        x = x.reshape(len(x), ticks, -1).to(device, dtype)
        y = y.to(device)
        self.name, self.origin = dataset, f"{table.origin}{', permuted' * permuted}, from the scikit-learn wheel"
        self.image = (1, 8, 8) if dataset == "digits" else None
        task = Task("classes", int(y.max()) + 1)
        super().__init__(Sample(x[train], y[train]), Sample(x[test], y[test]), task, batch_size, seed, dtype, 1.0)
