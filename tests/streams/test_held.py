"""A held stream: every sample so many times, in the order of the stream below, and on from anywhere."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

import pytest
import torch

from hl_cli.build import Comparison
from hl_cli.streams.ahead import Ahead
from hl_cli.streams.base import Stream
from hl_cli.streams.held import Held
from hl_cli.streams.tabular import TabularStream

Build = Callable[..., Comparison]


def taken(stream: object, count: int) -> list[torch.Tensor]:
    return [sample.inputs for sample in islice(stream, count)]  # type: ignore[call-overload]


@pytest.mark.parametrize("hold", [1, 2, 5])
def test_each_sample_comes_so_many_times(hold: int) -> None:
    once = taken(TabularStream("iris", seed=3, batch_size=7), 40)
    held = taken(Held(TabularStream("iris", seed=3, batch_size=7), hold), 40 * hold)
    assert all(torch.equal(held[k], once[k // hold]) for k in range(40 * hold))


@pytest.mark.parametrize("stop", [0, 1, 2, 3, 4, 301])
def test_it_goes_on_from_its_state(stop: int, tmp_path: object) -> None:
    whole, first, second = (Held(TabularStream("iris", seed=3), 3) for _ in range(3))
    taken(whole, stop)
    taken(first, stop)
    torch.save(first.state_dict(), f"{tmp_path}/state")
    second.load_state_dict(torch.load(f"{tmp_path}/state", weights_only=True))
    after = zip(taken(whole, 50), taken(second, 50), strict=True)
    assert all(torch.equal(a, b) for a, b in after)


def test_tasks_last_as_many_samples_as_before(build: Build) -> None:
    built = build("stream=digits_by_class", "stream.period=4", "hold=3", "steps=60", "eval_every=0")
    assert built.schedule.period == 12 and built.stream.length is None
    tasks = []
    for _ in islice(built.stream, 60):
        tasks.append(built.stream.current_task())
    assert [tasks[k] for k in (0, 11, 12, 23, 24)] == [
        "classes 0-1", "classes 0-1", "classes 2-3", "classes 2-3", "classes 4-5",
    ]  # fmt: skip


def test_a_held_series_ends_later(build: Build) -> None:
    from tests.material import needs

    once = build("stream=series", *needs("series"), "model=linear", "split=output")
    held = build("stream=series", *needs("series"), "model=linear", "split=output", "hold=4", "steps=100000")
    assert once.stream.length is not None and held.stream.length == 4 * once.stream.length == held.schedule.steps
    assert sum(1 for _ in held.stream) == held.stream.length


@pytest.mark.parametrize("over", [lambda base: Held(base, 2), lambda base: Ahead(base, next(base))])
def test_a_stream_over_another_says_what_that_says(over: Callable[[Stream], Stream]) -> None:
    base = TabularStream("iris", seed=3)
    told = {name: object() for name in ("descriptions", "overlapping", "spread", "files", "shuffled", "licence")}
    for name, value in told.items():
        setattr(base, name, value)
    base.label = lambda: True  # type: ignore[method-assign]
    above = over(base)
    assert {name: getattr(above, name) for name in told} == told and above.label()
    assert above.held_out() is base.held_out() or torch.equal(above.held_out().inputs, base.held_out().inputs)
