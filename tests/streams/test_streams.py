"""Streams: the laws, and what the tables hold."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

import pytest
import torch

from hl_cli.errors import BadInput
from hl_cli.streams.tabular import TABLES, TabularStream
from tests import laws

SIZES = {"digits": (1797, 64, 10), "iris": (150, 4, 3), "wine": (178, 13, 3), "breast_cancer": (569, 30, 2)}


def epoch_of(stream: TabularStream) -> torch.Tensor:
    """The training part, in the order of the first epoch."""
    return torch.cat([s.inputs for s in islice(stream, stream.train_samples)]).flatten(1)


def maker(name: str, **options: object) -> Callable[[], TabularStream]:
    return lambda: TabularStream(name, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("batch", [1, 7, 500])
def test_laws(name: str, batch: int) -> None:
    make = maker(name, batch_size=batch, dtype=torch.float64, seed=3)
    laws.stream_has_its_shapes(make(), batch, torch.float64)
    laws.stream_is_the_same_again(make, 50)
    for stop in (0, 1, 119, 700):
        laws.stream_resumes_anywhere(make, stop, 1000 if batch == 1 else 50)


@pytest.mark.parametrize("name", TABLES)
def test_an_epoch_holds_each_training_sample_once_and_no_held_out_one(name: str) -> None:
    stream = TabularStream(name)
    total, features, classes = SIZES[name]
    about = stream.describe()
    assert (about.train_samples + about.held_out_samples, about.features, about.size) == (total, features, classes)
    assert about.held_out_samples == round(total * 0.2)
    epochs = [torch.cat([s.inputs for s in islice(stream, about.train_samples)]).flatten(1) for _ in range(2)]
    assert not torch.equal(*epochs)  # another order
    assert torch.equal(*(torch.unique(e, dim=0) for e in epochs))
    rows = torch.cat([epochs[0], stream.held_out().inputs.flatten(1)])
    assert len(rows) == total
    if name != "iris":  # iris holds one flower twice
        assert len(torch.unique(rows, dim=0)) == total


def test_scaling() -> None:
    digits = epoch_of(TabularStream("digits"))
    assert float(digits.min()) == 0.0 and float(digits.max()) == 1.0
    for name in ("iris", "wine", "breast_cancer"):
        stream = TabularStream(name, dtype=torch.float64)
        x, test = epoch_of(stream), stream.held_out().inputs.flatten(1)
        torch.testing.assert_close(x.mean(0), torch.zeros_like(x[0]), atol=1e-12, rtol=0)
        torch.testing.assert_close(x.std(0), torch.ones_like(x[0]))
        assert float(test.mean(0).abs().max()) > 1e-3  # statistics of the training part only


def test_ticks_cut_a_sample_in_order() -> None:
    flat, rows, pixels = (next(TabularStream("digits", ticks)).inputs for ticks in (1, 8, 64))
    assert flat.shape == (1, 1, 64) and rows.shape == (1, 8, 8) and pixels.shape == (1, 64, 1)
    assert torch.equal(flat.flatten(), rows.flatten()) and torch.equal(flat.flatten(), pixels.flatten())


def test_a_batch_spans_epochs() -> None:
    one, many = TabularStream("iris"), TabularStream("iris", batch_size=50)
    for batch in islice(many, 7):  # 350 samples of 120 an epoch
        singles = list(islice(one, 50))
        assert torch.equal(batch.inputs, torch.cat([s.inputs for s in singles]))


def test_seeds_differ() -> None:
    a, b = TabularStream("digits", seed=0), TabularStream("digits", seed=1)
    assert not torch.equal(a.held_out().target, b.held_out().target)


def test_bad_input() -> None:
    with pytest.raises(BadInput, match="digits has 64 features"):
        TabularStream("digits", ticks=5)
    for part in (1e-9, 0.9999):
        with pytest.raises(BadInput, match="leaves at least 2 and 1"):
            TabularStream("iris", held_out=part)
    assert bool(torch.isfinite(next(TabularStream("iris", held_out=0.98)).inputs).all())
    with pytest.raises(BadInput, match="allowed: digits, iris, wine, breast_cancer"):
        TabularStream("mnist")
