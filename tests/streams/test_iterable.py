"""Lists, generators and DataLoaders as streams, by the command and from Python; pairs as samples."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

import hl_cli
from hl_cli.build import Comparison
from hl_cli.compare.differences import Differences
from hl_cli.compare.side_by_side import side_by_side
from hl_cli.errors import BadInput
from hl_cli.runs.state import why_never
from hl_cli.streams.given import Given
from hl_cli.streams.iterable import IterableStream
from hl_cli.types import Sample, Task
from tests.material import Coin

Build = Callable[..., Comparison]
X = torch.randn(60, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
Y = (X.sum(1) > 0).long()


def loader(batch_size: int, **given: Any) -> DataLoader:  # type: ignore[type-arg]
    """A user's DataLoader, shuffled."""
    return DataLoader(TensorDataset(X, Y), batch_size, shuffle=True)


def generator(batch_size: int, seed: int, **given: Any) -> Iterator[Any]:
    """A user's generator of pairs, without end."""
    coin = torch.Generator().manual_seed(seed)
    while True:
        x = torch.randn(batch_size, 3, generator=coin)
        yield x, x.sum(1) > 0


def train_and_test(batch_size: int, **given: Any) -> IterableStream:
    """Two DataLoaders: the first is gone through again and again."""
    test = DataLoader(TensorDataset(X[40:], Y[40:]), 20)
    train = DataLoader(TensorDataset(X[:40], Y[:40]), batch_size, shuffle=True)
    return IterableStream(train, held_out=test, seed=given["seed"], dtype=given["dtype"])


ONE = iter([(X[:1], Y[:1])] * 600)
GIVEN: dict[str, Any] = {
    "same iterator": lambda **given: ONE,
    "no samples": lambda **given: [],
    "few": lambda **given: iter([(X[:1], Y[:1])] * 9),
    "numbers": lambda **given: [1, 2, 3],
    "text": lambda **given: ["ab", "cd"],
    "words": lambda **given: [("a", "b")] * 5,
    "no target": lambda **given: [(X[:1], None)] * 5,
    "another batch": lambda **given: [(X[:3], Y[:3])] * 9,
    "no iterable": lambda **given: 7,
}
WORDS = {
    "same iterator": "gave the same iterator twice; allowed: a new one each time it is called",
    "no samples": "it gives no sample to hold out; allowed: at least one",
    "few": "it has 9 samples, which are held out; allowed: more of them, a list",
    "numbers": r"a sample is a int; allowed: hl_cli.Sample, or \(inputs, target\)",
    "text": "a sample is a str; allowed",
    "words": "a sample that is not of numbers",
    "no target": "a held-out sample has no target",
    "another batch": r"its first sample: inputs of \(3, 1, 3\), torch.float32; allowed: \(1, 1, 3\)",
    "no iterable": r"gave a int; allowed: a hl_cli.Stream, or an iterable of \(inputs, target\), such as a DataLoader",
}


def bad(what: str, **given: Any) -> Any:
    return GIVEN[what](**given)


@pytest.mark.parametrize("what", GIVEN)
def test_what_is_no_iterable_of_samples_is_refused(build: Build, what: str) -> None:
    with pytest.raises(BadInput, match=WORDS[what]) as refused:
        build("stream=plugin", f"stream.factory={__name__}:bad", f"stream.options={{what: {what}}}")
    assert str(refused.value).startswith(f"stream.factory={__name__}:bad: ") and "\n" not in str(refused.value)


@pytest.mark.parametrize(("factory", "steps"), [("loader", 12), ("generator", 20), ("train_and_test", 20)])
def test_an_iterable_runs_as_a_stream(build: Build, factory: str, steps: int) -> None:
    """The same samples again from the same seed, equal weights, and checkpoints refused with the reason."""
    found = []
    for _ in range(2):
        built = build("stream=plugin", f"stream.factory={__name__}:{factory}", "batch_size=4", "steps=20", "hold=1")
        differences = Differences(built.hl.weights(), built.pytorch.weights())
        records = list(side_by_side(built.stream, built.hl, built.pytorch, built.measure, built.schedule, differences))
        assert len(records) == steps and all(r.equal for r in records)
        found.append([r.means for r in records])
        assert "an iterable does not say where it is" in why_never(built)
    assert found[0] == found[1]


def test_the_first_samples_are_held_out_and_never_given() -> None:
    stream = IterableStream([(X[k], Y[k]) for k in range(60)])
    assert torch.equal(stream.held_out().inputs, X[:12].float().unsqueeze(1)) and stream.task == Task("classes", 2)
    assert torch.equal(torch.cat([s.inputs for s in stream]), X[12:].float().unsqueeze(1))
    endless = IterableStream(generator(50, 0))
    assert len(endless.held_out().inputs) == 500
    coin = generator(50, 0)
    assert torch.equal(next(endless).inputs[:, 0], next(islice(coin, 10, None))[0])


def test_a_small_last_batch_is_left_out_and_epochs_differ() -> None:
    pair = DataLoader(TensorDataset(X, Y), 25, shuffle=True)
    stream = IterableStream(pair, held_out=[(X, Y)])
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, second, third, _ = (s.inputs for s in islice(stream, 4))
    assert torch.equal(torch.get_rng_state(), before)  # the dice of the nets are left alone
    assert len(first) == len(second) == len(third) == 25
    assert not torch.equal(first.sort(0)[0], third.sort(0)[0])  # another order in the second epoch


@pytest.mark.parametrize(
    ("x", "y", "shape", "target", "task"),
    [
        (X[0], 1, (1, 1, 3), (1,), Task("classes", 2)),
        (X[0], np.float32(0.5), (1, 1, 3), (1, 1), Task("values", 1)),
        (np.ones((5, 3)), np.ones(5, dtype=np.int32), (5, 1, 3), (5,), Task("classes", 2)),
        (X[:5], X[:5, 0], (5, 1, 3), (5, 1), Task("values", 1)),
        (X[:5], X[:5, :2], (5, 1, 3), (5, 2), Task("values", 2)),
        (torch.ones(5, 2, 3), Y[:5], (5, 2, 3), (5,), Task("classes", 2)),
        (torch.ones(5, 2, 3), torch.ones(5, 2, dtype=torch.uint8), (5, 2, 3), (10,), Task("classes", 2, "all")),
        (torch.ones(5, 2, 3), torch.ones(5, 2, 4), (5, 2, 3), (10, 4), Task("values", 4, "all")),
        (torch.ones(5, 1, 4, 4, dtype=torch.uint8), Y[:5], (5, 1, 16), (5,), Task("classes", 2)),
    ],
)
def test_shapes(x: Any, y: Any, shape: Any, target: Any, task: Task) -> None:
    stream = IterableStream([(x, y)] * 6)
    sample = next(stream)
    assert sample.target is not None and stream.task == task
    assert (tuple(sample.inputs.shape), tuple(sample.target.shape)) == (shape, target)
    assert (stream.ticks, stream.features) == shape[1:] and sample.inputs.dtype == torch.float32
    assert sample.target.dtype == (torch.int64 if task.kind == "classes" else torch.float32)


def test_a_class_that_was_not_held_out_is_named() -> None:
    stream = IterableStream([(X[k], k % 2 if k < 40 else 7) for k in range(60)])
    given = Given(stream, stream.task)
    given.some(100)
    assert "step 29: class 7; allowed: 0 to 1" in str(given.fault)
    whole = IterableStream([(X[k], k % 2 if k < 40 else 7) for k in range(60)], Task("classes", 10))
    assert len(Given(whole, whole.task).some(100)) == 48


def test_learners_take_pairs() -> None:
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2))
    own, loss, sgd = copy.deepcopy(net), torch.nn.functional.cross_entropy, hl_cli.SGD(lr=0.1, momentum=0.9)
    hl = hl_cli.HamiltonianLearner(hl_cli.split_of(own, own[:3], own[3]), loss, hl_cli.physics_of(sgd, tau=1.0))
    pytorch = hl_cli.PyTorchLearner(net, loss, torch.optim.SGD, lr=sgd.lr, momentum=sgd.momentum)
    for k in range(0, 60, 6):
        pair = (X[k : k + 6].float(), Y[k : k + 6])
        assert hl.step(pair).loss == pytorch.step(Sample(*pair)).loss  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="a sample is a Tensor; allowed"):
        hl.step(X)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="a sample is a Tensor; allowed"):
        pytorch.step(X)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "choice",
    [("scheme=blocks", "split=state"), ("scheme=local", "split=state"), ("parallel=data",),
     ("scheme=forward", "model=rnn", "split=state", "pytorch.window=1")],
)  # fmt: skip
def test_every_learner_takes_pairs(build: Build, choice: tuple[str, ...]) -> None:
    one, other = build(*choice), build(*choice)
    for learner, same in zip(one.learners, other.learners, strict=True):
        for sample in islice(build(*choice).stream, 3):
            said = learner.step(tuple(sample[:2]))  # type: ignore[arg-type]
            assert torch.equal(said.prediction, same.step(sample).prediction)


class Whole(Coin):
    """A user's stream that says what it is in numbers of NumPy."""

    ticks, task = np.int64(2), Task("classes", np.int64(2))  # type: ignore[assignment]

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.features, self.train_samples = np.int32(3), np.int64(500)  # type: ignore[assignment]


@pytest.mark.parametrize(("name", "value"), [("ticks", 3.0), ("period", -1), ("blend", "many"), ("length", 2.5)])
def test_what_is_no_whole_number_is_refused(
    build: Build, monkeypatch: pytest.MonkeyPatch, name: str, value: Any
) -> None:
    monkeypatch.setattr(Whole, name, value)
    with pytest.raises(BadInput, match=f"its {name} is {value}; allowed: a whole number >= "):
        build("stream=plugin", f"stream.factory={__name__}:Whole")


def test_whole_numbers_of_any_kind(invoke: Any, no_pictures: None, tmp_path: Any) -> None:
    assert invoke("stream=plugin", f"stream.factory={__name__}:Whole", "steps=6", "hydra.run.dir=here")[0] == 0
    found = json.loads((tmp_path / "here" / "summary.json").read_text())["stream"]
    assert (found["ticks"], found["features"], found["size"], found["train_samples"]) == (2, 3, 2, 500)
