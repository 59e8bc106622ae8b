"""A data set or a generator of the package river, by its name: its samples as rows of finite numbers."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from inspect import isclass, signature
from itertools import chain, islice
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hl_cli.errors import BadInput
from hl_cli.streams.windows import PIECE
from hl_cli.types import Task

KINDS = {"Binary classification": "classes", "Multi-class classification": "classes", "Regression": "values"}
Pair = tuple[dict[Any, Any], Any]  # features and target, as river gives them


def named(name: str) -> Any:
    """The class in river.datasets, or in river.datasets.synth for synth.NAME."""
    try:
        from river import datasets
    except ImportError as error:
        raise BadInput(f'stream.dataset={name}: needs the package river: pip install "hl-run[river]"') from error
    known = {
        prefix + key: value
        for prefix, module in (("", datasets), ("synth.", datasets.synth))
        for key, value in vars(module).items()
        if isclass(value) and issubclass(value, datasets.base.Dataset)
    }
    if name not in known:
        lower = {key.lower(): key for key in known}
        close = [lower[key] for key in get_close_matches(name.lower(), lower, cutoff=0.5)]
        near = f"; close to it: {', '.join(close)}" if close else ""
        raise BadInput(
            f"stream.dataset={name}: no such data set{near}; allowed: a class of river.datasets, such as Phishing, or "
            "synth.NAME of river.datasets.synth, such as synth.SEA"
        )
    return known[name]


def _said(error: Exception) -> str:
    """What river says, as one line."""
    return " ".join(str(error).split()) or type(error).__name__


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:80] + "..."


def _is_number(value: object) -> bool:
    return isinstance(value, Real | np.bool_) and bool(abs(value) < 1e300)


class RiverData:
    """Samples from the first on, as often as asked for; features in the order of the first one.

    options: arguments of its class; those named seed or seed_... are `seed` unless given. call: how river makes it.
    files: what river reads; total: how many samples there are, None where it generates them without end; another
    set is read through once, to count its samples, collect its labels and check all of it. Class numbers are those
    of the sorted labels.
    """

    def __init__(self, name: str, options: dict[str, Any], seed: int) -> None:
        self.name, self._cls = name, named(name)
        allowed = signature(self._cls).parameters
        for option in options:
            if option not in allowed:
                known = ", ".join(allowed) or "none"
                raise BadInput(f"stream.options.{option}: river's {name} has no such argument; allowed: {known}")
        self._options = {**{key: seed for key in allowed if f"{key}_".startswith("seed_")}, **options}
        self.call = f"{name}({', '.join(f'{key}={value!r}' for key, value in self._options.items())})"
        dataset = self._built()
        if dataset.task not in KINDS:
            raise BadInput(f"stream.dataset={name}: a task of {dataset.task}; allowed: {', '.join(KINDS)}")
        self._check_is_here(dataset)
        path = getattr(dataset, "path", None)
        self.files = (Path(path),) if path and Path(path).is_file() else ()
        samples = self.samples()
        first = self._taken(samples, 0, 1)
        if not first:
            raise BadInput(f"stream.dataset={name}: river's {self.call} has no samples; allowed: at least one")
        self._names = [*first[0][0]]
        self.features = len(self._names)
        for key, value in first[0][0].items():
            if not _is_number(value):  # a text that spells a number, too
                raise self._fault(key, 0, value)
        classes = KINDS[dataset.task] == "classes"
        labels = set(range(2 if dataset.task.startswith("Binary") else dataset.n_classes or 0))
        self.total: int | None = None
        if dataset.n_samples is not None:
            self.total, labels = self._survey(chain(first, samples), classes)
        self._labels = {label: number for number, label in enumerate(sorted(labels))}
        self.task = Task("classes", len(labels)) if classes else Task("values", 1)

    def _built(self) -> Any:
        """A new one of the class: it gives the same samples as any other."""
        try:
            return self._cls(**self._options)
        except Exception as error:  # whatever river raises
            raise BadInput(f"stream.options: river refuses {self.call}: {_said(error)}") from error

    def _check_is_here(self, dataset: Any) -> None:
        """River would fetch it by itself, without asking."""
        try:
            here = getattr(dataset, "is_downloaded", True)
        except OSError as error:
            raise BadInput(f"stream.dataset={self.name}: river's folder of data sets: {error}") from error
        if not here:
            raise BadInput(
                f"stream.dataset={self.name}: not in {dataset.path.parent}, {dataset.size / 1e6:.1f} MB to fetch with "
                f'python -c "from river import datasets; datasets.{self.call}.download()"'
            )

    def samples(self, start: int = 0) -> Iterator[Pair]:
        """River's own samples from number `start` on; those before are read or generated, too: O(start)."""
        return islice(self._built(), start, None)

    def read(self, samples: Iterator[Pair], first: int, count: int) -> Tensor:
        """Take up to `count` samples, the next being number `first`: (count, features + 1), the target last."""
        taken = self._taken(samples, first, count)
        return torch.cat((self._inputs(taken, first), self._targets(taken, first)), 1)

    def _taken(self, samples: Iterator[Pair], first: int, count: int) -> list[Pair]:
        try:
            return list(islice(samples, count))
        except Exception as error:  # whatever river raises
            raise BadInput(f"stream.dataset={self.name}: {self.call} after {first} samples: {_said(error)}") from error

    def _survey(self, samples: Iterator[Pair], classes: bool) -> tuple[int, set[Any]]:
        """Check and count all samples, and collect their labels."""
        total, labels = 0, set[Any]()
        while taken := self._taken(samples, total, PIECE):
            self._inputs(taken, total)
            if classes:
                labels.update(y for _, y in taken)
            else:
                self._values([[y] for _, y in taken], ["target"], total)
            total += len(taken)
        return total, labels

    def _inputs(self, taken: list[Pair], first: int) -> Tensor:
        return self._values([self._row(x, number) for number, (x, _) in enumerate(taken, first)], self._names, first)

    def _row(self, x: dict[Any, Any], number: int) -> list[Any]:
        if [*x] == self._names:
            return [*x.values()]
        if x.keys() != set(self._names):
            raise BadInput(
                f"stream.dataset={self.name}: sample {number + 1} has the features {_short([*x])}; "
                f"allowed: those of the first, {_short(self._names)}"
            )
        return [x[name] for name in self._names]

    def _targets(self, taken: list[Pair], first: int) -> Tensor:
        if self.task.kind == "values":
            return self._values([[y] for _, y in taken], ["target"], first)
        try:
            return torch.tensor([[self._labels[y]] for _, y in taken], dtype=torch.float64).view(-1, 1)
        except KeyError as error:
            raise BadInput(
                f"stream.dataset={self.name}: label {error} after {first} samples; allowed: {_short([*self._labels])}"
            ) from None

    def _values(self, rows: list[list[Any]], names: list[Any], first: int) -> Tensor:
        """Make numbers of the rows, or name the first value that is no finite one."""
        try:
            values = np.array(rows, dtype=np.float64).reshape(-1, len(names))
        except (TypeError, ValueError, OverflowError):
            values = None
        if values is None or not np.isfinite(values).all():
            for number, row in enumerate(rows, first):
                for name, value in zip(names, row, strict=True):
                    if not _is_number(value):
                        raise self._fault(name, number, value)
        return torch.from_numpy(values)

    def _fault(self, name: Any, number: int, value: Any) -> BadInput:
        return BadInput(
            f"stream.dataset={self.name}: {name} of sample {number + 1} is {_short(value)}; allowed: finite numbers"
        )
