"""A stream over a data set or a drift generator of river, in river's order, standardised with what came before."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import torch
from torch import Tensor

from hl_cli.config.fields import described
from hl_cli.config.registry import choice
from hl_cli.config.stream import StreamConfig
from hl_cli.errors import BadInput
from hl_cli.streams.moments import Moments, deviation
from hl_cli.streams.river_data import RiverData
from hl_cli.streams.rows import Rows
from hl_cli.streams.windows import PIECE, Windows


@choice("stream", home="RiverStream", seeded=True)
@dataclass
class RiverConfig(StreamConfig):
    """A data set or a drift generator of river."""

    dataset: str = described("Phishing", "class in river.datasets, or synth.NAME for a generator")
    options: dict[str, Any] = described({}, "arguments of that class")
    held_out: int = described(200, "samples kept for evaluation, from the beginning of the stream", least=1, most=10**6)


class RiverRows:
    """A row a sample. Features are in units of all samples up to it, a target in units of all targets before it.

    The baseline of a target is the one before it, in the same units. Classes are their numbers.
    """

    def __init__(self, data: RiverData) -> None:
        self._data, self._samples = data, data.samples()
        self._moments = Moments.none(data.features + 1)  # of the features and the target
        self._previous = torch.zeros(1, 1, dtype=torch.float64)  # the target before

    def _rows(self, values: Tensor, inputs: Tensor, mean: Tensor, spread: Tensor) -> Rows:
        """mean, spread: units of the target."""
        target = values[:, -1:]
        before = torch.cat((self._previous, target[:-1]))
        self._previous = target[-1:].clone()
        if self._data.task.kind == "classes":
            return Rows(inputs, target.flatten().long())
        units = torch.cat((spread.expand_as(target), mean.expand_as(target)), 1)
        return Rows(inputs, (target - mean) / spread, (before - mean) / spread, units)

    def first(self, count: int) -> Rows:
        """Take the first rows, in units of all of them: what is known when the others begin.

        Before the first target there is none: its baseline is their mean.
        """
        values = self._data.read(self._samples, 0, count)
        self._moments = self._moments.follow(values)[2]
        mean, spread = self._moments.mean, deviation(self._moments.squares, torch.tensor(len(values)))
        self._previous = mean[-1:].view(1, 1)
        return self._rows(values, ((values - mean) / spread)[:, :-1], mean[-1], spread[-1])

    def __next__(self) -> Rows:
        known = self._moments
        values = self._data.read(self._samples, known.rows, PIECE)
        if not len(values):
            raise StopIteration
        mean, spread, self._moments = known.follow(values)
        known_spread = deviation(known.squares, torch.tensor(known.rows))
        return self._rows(
            values,
            ((values - mean) / spread)[:, :-1],
            torch.cat((known.mean[-1:], mean[:-1, -1])).unsqueeze(1),
            torch.cat((known_spread[-1:], spread[:-1, -1])).unsqueeze(1),
        )

    def state_dict(self) -> dict[str, Any]:
        """The statistics, which know the number of samples taken, and the target before."""
        return {"moments": [*self._moments], "previous": self._previous}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Begin again and skip the samples taken: O(their number), as river cannot start in the middle."""
        self._moments, self._previous = Moments(*state["moments"]), state["previous"]
        self._samples = self._data.samples(self._moments.rows)


class RiverStream(Windows):
    """dataset: a class of river.datasets, or synth.NAME for a generator; options: its arguments.

    The first `held_out` samples are held out. A finite set is passed through once; a last batch that is not full is
    left out. The seed is that of a generator, unless options give one.
    """

    def __init__(
        self,
        dataset: str,
        options: dict[str, Any] | None = None,
        held_out: int = 200,
        batch_size: int = 1,
        seed: int = 0,
        dtype: torch.dtype = torch.float32,
        device: str = "cpu",
    ) -> None:
        data = RiverData(dataset, options or {}, seed)
        if data.total is not None:
            self.train_samples = left = data.total - held_out
            self.length = left // batch_size
            if data.total <= batch_size:
                raise BadInput(
                    f"batch_size={batch_size}: {dataset} has {data.total} samples; allowed: fewer than these"
                )
            if left < batch_size:
                raise BadInput(
                    f"stream.held_out={held_out}: {dataset} has {data.total} samples, which leaves {left} to train on; "
                    f"allowed: at most {data.total - batch_size}, so that a batch of {batch_size} is left"
                )
        self.files = data.files
        self.name, self.licence = dataset, "none needed" if data.total is None else "not said by river"
        self.origin = f"river {version('river')}: {data.call}, standardised on the samples so far"
        rows = RiverRows(data)
        super().__init__(rows, rows.first(held_out), data.task, 1, batch_size, dtype, device)
