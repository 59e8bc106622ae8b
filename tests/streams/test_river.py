"""River's data sets and generators: standardised on the past, checked, the same again from any sample."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hl_cli.errors import BadInput
from hl_cli.streams.river import RiverStream
from hl_cli.types import Task
from tests import laws

datasets = pytest.importorskip("river.datasets")
FRIEDMAN = "synth.Friedman"
GRADUAL = {"drift_type": "gsg", "position": [300, 600], "transition_window": 200}


def tables(name: str, count: int, **options: Any) -> tuple[np.ndarray, list[Any]]:
    """River's own samples."""
    module = datasets.synth if name.startswith("synth.") else datasets
    pairs = [*islice(getattr(module, name.removeprefix("synth."))(**options), count)]
    return np.array([[*x.values()] for x, _ in pairs], dtype=float), [y for _, y in pairs]


def give(
    monkeypatch: pytest.MonkeyPatch, samples: list[tuple[dict, Any]], task: str, size: int | None, **more: Any
) -> None:
    """Make a data set Mine of river."""

    class Mine(datasets.base.Dataset):
        def __init__(self) -> None:
            super().__init__(task=task, n_features=1, n_samples=size, **more)

        def __iter__(self) -> Iterator[tuple[dict, Any]]:
            yield from samples

    monkeypatch.setattr(datasets, "Mine", Mine, raising=False)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("Phishing", {}),
        ("TrumpApproval", {}),
        ("synth.LED", {"noise_percentage": 0.1}),
        ("synth.FriedmanDrift", GRADUAL),
    ],
)
@pytest.mark.parametrize("batch", [1, 7])
def test_laws(name: str, options: dict[str, Any], batch: int, tmp_path: Path) -> None:
    def make() -> RiverStream:
        return RiverStream(name, options, 50, batch, seed=3)

    laws.stream_is_the_same_again(make)
    for stop in (0, 1, 100, 4200 // batch):
        laws.stream_resumes_anywhere(make, stop, 100)
    torch.save(make().state_dict(), tmp_path / "state")
    make().load_state_dict(torch.load(tmp_path / "state", weights_only=True))


def test_features_are_in_units_of_the_samples_so_far() -> None:
    stream = RiverStream("Phishing", held_out=30, dtype=torch.float64)
    x, y = tables("Phishing", 1250)
    z = [(x[n] - x[: n + 1].mean(0)) / x[: n + 1].std(0) for n in range(30, 1250)]
    samples = [*stream]
    np.testing.assert_allclose(torch.cat([s.inputs for s in samples])[:, 0], z, atol=1e-10)
    assert torch.cat([s.target for s in samples]).tolist() == [int(label) for label in y[30:]]
    assert (stream.task, stream.length, stream.train_samples) == (Task("classes", 2), 1220, 1220)
    assert stream.ticks == 1 and samples[0].baseline is None
    held_out = stream.held_out()
    np.testing.assert_allclose(held_out.inputs[:, 0], (x[:30] - x[:30].mean(0)) / x[:30].std(0), atol=1e-10)
    assert held_out.target.tolist() == [int(label) for label in y[:30]]


@pytest.mark.parametrize(("name", "count"), [("TrumpApproval", 1001), (FRIEDMAN, 9000)])
def test_targets_are_in_units_of_those_before(name: str, count: int) -> None:
    stream = RiverStream(name, held_out=20, seed=5, dtype=torch.float64)
    y = np.array(tables(name, count, **({"seed": 5} if name == FRIEDMAN else {}))[1])
    samples = [*islice(stream, count - 20)]
    said = torch.cat([s.target for s in samples])[:, 0].numpy()
    baseline = torch.cat([s.baseline for s in samples])[:, 0].numpy()
    for n in (20, 21, 99, 1000, count - 1):
        mean, spread = y[:n].mean(), y[:n].std()
        assert said[n - 20] == pytest.approx((y[n] - mean) / spread)
        assert baseline[n - 20] == pytest.approx((y[n - 1] - mean) / spread)
    held_out = stream.held_out()
    np.testing.assert_allclose(held_out.target[:, 0], (y[:20] - y[:20].mean()) / y[:20].std())
    assert torch.equal(held_out.baseline[1:], held_out.target[:-1]) and held_out.baseline[0] == 0
    assert stream.task == Task("values", 1)


def test_a_feature_that_never_changes_is_0(monkeypatch: pytest.MonkeyPatch) -> None:
    give(monkeypatch, [({"a": 0.1, "b": k % 3 == 0}, k % 2 == 0) for k in range(100)], "Binary classification", 100)
    inputs = torch.cat([s.inputs for s in RiverStream("Mine", held_out=10)])
    assert torch.equal(inputs[:, 0, 0], torch.zeros(90)) and float(inputs[:, 0, 1].abs().min()) > 0.1


def test_classes_are_the_sorted_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = RiverStream("ImageSegments", held_out=500)
    labels = tables("ImageSegments", 2310)[1]
    names = sorted(set(labels))
    assert [names[int(s.target)] for s in stream] == labels[500:] and stream.task == Task("classes", 7)
    give(monkeypatch, [({"a": k}, 9 - k % 2) for k in range(20)], "Multi-class classification", 20, n_classes=2)
    assert RiverStream("Mine", held_out=4).held_out().target.tolist() == [1, 0, 1, 0]


def test_the_seed_is_that_of_a_generator_unless_given() -> None:
    first = [
        next(RiverStream("synth.SEA", options, seed=s)).inputs for options, s in (({}, 0), ({}, 1), ({"seed": 1}, 0))
    ]
    assert not torch.equal(first[0], first[1]) and torch.equal(first[1], first[2])
    stream = RiverStream("synth.RandomTree", seed=4)
    assert (stream.length, stream.train_samples, stream.licence) == (None, None, "none needed")
    assert "RandomTree(seed_tree=4, seed_sample=4)" in stream.describe().origin


def test_the_last_batch_is_full() -> None:
    stream = RiverStream("Phishing", held_out=200, batch_size=100)
    assert [len(s.inputs) for s in stream] == [100] * 10 and stream.length == 10


def test_a_data_set_that_was_fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RIVER_DATA", str(tmp_path))
    with pytest.raises(BadInput, match=r"Elec2: not in .*Elec2, 3.1 MB to fetch with python -c .*Elec2\(\).download"):
        RiverStream("Elec2")
    assert not (tmp_path / "Elec2").exists()
    names = "date,day,period,nswprice,nswdemand,vicprice,vicdemand,transfer,class"
    rows = [f"0.{k},2,0.5,0.{k},0.4,0.0{k},0.4,0.{k},{'UP' if k % 3 else 'DOWN'}" for k in range(1, 40)]
    (tmp_path / "Elec2").mkdir()
    (tmp_path / "Elec2" / "electricity.csv").write_text("\n".join([names, *rows]))
    monkeypatch.setattr(datasets.base.RemoteDataset, "is_downloaded", True)
    samples = [*RiverStream("Elec2", held_out=9)]
    assert [int(s.target) for s in samples] == [int(k % 3 > 0) for k in range(10, 40)]
    assert samples[0].inputs.shape == (1, 1, 8)


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("Phising", {}, "stream.dataset=Phising: no such data set; close to it: Phishing"),
        ("synth.sea", {}, "close to it: synth.SEA"),
        ("Phishing", {"seed": 1}, "stream.options.seed: river's Phishing has no such argument; allowed: none"),
        ("synth.SEA", {"noize": 1}, "stream.options.noize: .* allowed: variant, noise, seed"),
        ("synth.SEA", {"variant": 9}, r"river refuses synth.SEA\(seed=0, variant=9\): Unknown variant"),
        ("synth.SEA", {"seed": [1]}, "synth.SEA.* after 0 samples: The only supported seed types"),
        ("synth.Mv", {}, "synth.Mv: 3 of sample 1 is '.*'; allowed: finite numbers"),
        ("Yeast", {}, "Yeast: a task of Multi-output binary classification; allowed: Binary classification, Multi"),
        ("Music", {}, "Music: a task of Multi-output"),
    ],
)
def test_bad_input(name: str, options: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said) as error:
        RiverStream(name, options)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        ([({"a": 1.0}, 2.0), ({"b": 1.0}, 2.0)], r"sample 2 has the features \['b'\]; allowed: .* first, \['a'\]"),
        ([({"a": 1.0}, 2.0), ({"a": float("nan")}, 2.0)], "a of sample 2 is nan; allowed: finite numbers"),
        ([({"a": 1.0}, 2.0), ({"a": None}, 2.0)], "a of sample 2 is None"),
        ([({"a": 1.0}, 2.0), ({"a": 10**400}, 2.0)], "a of sample 2 is 1000.*"),
        ([({"a": 1.0}, 2.0), ({"a": "red"}, 2.0)], "a of sample 2 is 'red'"),
        ([({"a": "3"}, 2.0)], "a of sample 1 is '3'"),
        ([({"a": 1.0}, "much")], "target of sample 1 is 'much'"),
        ([], r"Mine\(\) has no samples"),
    ],
)
def test_bad_samples(monkeypatch: pytest.MonkeyPatch, samples: list[tuple[dict, Any]], said: str) -> None:
    give(monkeypatch, samples, "Regression", len(samples))
    with pytest.raises(BadInput, match=f"^stream.dataset=Mine: .*{said}"):
        RiverStream("Mine", held_out=1)


def test_bad_sizes_and_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadInput, match=r"held_out=1200: Phishing has 1250 samples, .* 50 to .* at most 1150"):
        RiverStream("Phishing", held_out=1200, batch_size=100)
    give(monkeypatch, [({"a": k}, k) for k in range(9)], "Multi-class classification", None, n_classes=5)
    with pytest.raises(BadInput, match=r"Mine: label 5 after 3 samples; allowed: \[0, 1, 2, 3, 4\]"):
        next(RiverStream("Mine", held_out=3))


def test_without_river(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "river", None)
    with pytest.raises(BadInput, match=r'needs the package river: pip install "hl-run\[river\]"'):
        RiverStream("Phishing")
