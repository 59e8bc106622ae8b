"""Streams that change over time: when, to what, and that the laws hold across the change."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

import pytest
import torch

from hl_cli.compare.schedule import Schedule
from hl_cli.errors import BadInput
from hl_cli.streams.drift import Drift, Permuted, by_class
from hl_cli.streams.tabular import TabularStream
from tests import laws

Make = Callable[[], Drift]


def classes(batch: int = 1, **options: object) -> Drift:
    return Drift(by_class(TabularStream("digits", batch_size=batch), 2), 20, **options)  # type: ignore[arg-type]


def orders(batch: int = 1, **options: object) -> Drift:
    tasks = {str(k): Permuted(TabularStream("digits", batch_size=batch), 0, k) for k in range(3)}
    return Drift(tasks, 20, **options)  # type: ignore[arg-type]


def seen(stream: Drift, count: int) -> list[str | None]:
    """The task that each sample truly is of, told by its class."""
    return [list(stream.tasks)[int(s.target) // 2] for s in islice(stream, count)]


@pytest.mark.parametrize("batch", [1, 7])
@pytest.mark.parametrize("options", [{}, {"recurring": True}, {"blend": 15, "recurring": True, "seed": 5}])
@pytest.mark.parametrize("make", [classes, orders])
def test_laws(make: Callable[..., Drift], options: dict[str, object], batch: int) -> None:
    laws.stream_has_its_shapes(make(batch, **options), batch, torch.float32)
    laws.stream_is_the_same_again(lambda: make(batch, **options), 150)
    for stop in (0, 1, 19, 20, 93):
        laws.stream_resumes_anywhere(lambda: make(batch, **options), stop, 150)


def test_an_abrupt_change() -> None:
    names = list(classes().tasks)
    assert seen(classes(), 140) == [name for name in names for _ in range(20)] + names[-1:] * 40
    assert (
        seen(classes(recurring=True), 140)
        == [name for name in names for _ in range(20)] + names[:1] * 20 + names[1:2] * 20
    )


def test_a_gradual_change() -> None:
    """The next task comes more and more often, and the shares are those that were asked for."""
    count, period = 300, 40
    later = torch.zeros(period)
    for seed in range(count):
        stream = Drift(by_class(TabularStream("digits"), 5), period, blend=20, seed=seed)
        later += torch.tensor([name == "classes 5-9" for name in seen_of_two(stream, period)])
    share = later / count
    assert float(share[:20].max()) == 0.0
    wanted = torch.arange(1, 21) / 21
    assert float((share[20:] - wanted).abs().max()) < 4 * (0.25 / count) ** 0.5  # four standard deviations


def seen_of_two(stream: Drift, count: int) -> list[str]:
    return [list(stream.tasks)[int(s.target) // 5] for s in islice(stream, count)]


def test_the_task_of_a_period() -> None:
    stream = classes()
    assert stream.current_task() is None
    for k in range(1, 61):
        next(stream)
        assert stream.current_task() == list(stream.tasks)[(k - 1) // 20]


def test_a_task_is_evaluated_before_the_next_one_blends_in() -> None:
    schedule = Schedule(steps=100, period=40, blend=15)
    assert [step for step in range(1, 101) if schedule.ends_task(step)] == [25, 65, 100]
    assert [step for step in range(1, 101) if Schedule(100, period=40).ends_task(step)] == [40, 80, 100]


def test_classes_are_shared_out() -> None:
    tasks = by_class(TabularStream("digits"), 3)
    assert list(tasks) == ["classes 0-2", "classes 3-5", "classes 6-8", "class 9"]
    whole = TabularStream("digits").describe()
    assert sum(t.train_samples for t in tasks.values()) == whole.train_samples
    assert sum(len(t.held_out().target) for t in tasks.values()) == whole.held_out_samples
    for task, first in zip(tasks.values(), (0, 3, 6, 9), strict=True):
        found = {int(s.target) for s in islice(task, 200)} | set(task.held_out().target.tolist())
        assert found == set(range(first, min(first + 3, 10)))


def test_orders_are_permutations() -> None:
    plain, streams = TabularStream("digits"), list(orders().tasks.values())
    sample = next(plain)
    own, first, second = (next(s).inputs.flatten() for s in streams)
    assert torch.equal(own, sample.inputs.flatten())
    for other in (first, second):
        assert not torch.equal(other, own) and torch.equal(other.sort().values, own.sort().values)
    assert not torch.equal(first, second)
    held_out = streams[1].held_out().inputs.flatten(1)
    assert torch.equal(held_out, plain.held_out().inputs.flatten(1)[:, streams[1]._order])


def test_bad_input() -> None:
    with pytest.raises(BadInput, match="b gives 1 x 4 inputs"):
        Drift({"a": TabularStream("digits"), "b": TabularStream("iris")}, 10)
    with pytest.raises(BadInput, match=r"stream\.blend=10: allowed: 0 up to 9, below stream\.period=10"):
        Drift({"a": TabularStream("digits")}, 10, blend=10)
    with pytest.raises(BadInput, match="none held out"):
        by_class(TabularStream("iris", held_out=0.01), 1)
    with pytest.raises(BadInput, match="over a table or images"):
        by_class(Permuted(TabularStream("iris"), 0, 1), 1)
