"""Rules that every stream and every learner obeys, whatever it is. Call them from a test with one of its kind."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from itertools import islice

import torch

from hl_cli.learners.base import Learner
from hl_cli.streams.base import Stream
from hl_cli.types import Sample
from tests.bits import same


def stream_resumes_anywhere(make: Callable[[], Stream], stop: int, then: int = 1000) -> None:
    """Stop at any sample, load its state into a new stream: the next samples are bit-equal."""
    first, second = make(), make()
    for _ in islice(first, stop):
        pass
    second.load_state_dict(first.state_dict())
    for a, b in islice(zip(first, second, strict=True), then):
        assert same(a, b)


def stream_is_the_same_again(make: Callable[[], Stream], count: int = 200) -> None:
    """Two streams of one config give the same samples, one by one or many at once, and are at one place then."""
    one, many, taken = make(), make(), 0
    with suppress(StopIteration):
        while taken < count:
            found = many.take(1 + taken % 37)
            assert 0 < len(found) <= 1 + taken % 37
            for sample in found:
                expected = next(one)
                assert same(expected, sample)
                pairs = zip(expected[:3], sample[:3], strict=True)
                assert all(a is None or a.stride() == b.stride() for a, b in pairs)  # what is recorded goes by them
            taken += len(found)
            assert one.current_task() == many.current_task()
    rest = [next(stream, None) for stream in (one, many)]
    assert same(*rest) if taken >= count else rest == [None, None]


def stream_has_its_shapes(stream: Stream, batch: int, dtype: torch.dtype) -> None:
    """Samples, the held-out part and the description agree."""
    about, held_out, task = stream.describe(), stream.held_out(), stream.task
    assert (about.ticks, about.features, about.kind, about.size, about.targets) == (
        stream.ticks, stream.features, task.kind, task.size, task.targets,
    )  # fmt: skip
    assert len(held_out.inputs) == about.held_out_samples > 0
    assert about.origin and about.licence
    for part, size in ((next(stream), batch), (held_out, about.held_out_samples)):
        rows = size * (stream.ticks if task.targets == "all" else 1)
        assert part.inputs.shape == (size, stream.ticks, stream.features) and part.inputs.dtype == dtype
        assert part.target is not None
        if task.kind == "classes":
            assert 0 < about.chance < 1
            assert part.target.shape == (rows,) and part.target.dtype == torch.int64
            assert int(part.target.min()) >= 0 and int(part.target.max()) < task.size
        else:
            assert about.chance is None
            assert part.target.shape == (rows, task.size) and part.target.dtype == dtype
        assert part.baseline is None or part.baseline.shape == part.target.shape


def learner_goes_on_from_its_state(make: Callable[[], Learner], stream: Stream, steps: int = 5) -> None:
    """A learner that loads another's state takes the same steps, bit for bit."""
    first, second = make(), make()
    for sample in islice(stream, steps):
        first.step(sample)
    second.load_state_dict(first.state_dict())
    for sample in islice(stream, steps):
        assert first.step(sample).loss == second.step(sample).loss
    for a, b in zip(first.weights().values(), second.weights().values(), strict=True):
        assert torch.equal(a, b)


def learner_predicts_without_learning(learner: Learner, stream: Stream) -> None:
    """predict changes nothing, and is what step says before it learns; a step does change the weights."""
    sample = next(stream)
    before = [w.clone() for w in learner.weights().values()]
    prediction = learner.predict(sample.inputs)
    assert all(torch.equal(a, b) for a, b in zip(before, learner.weights().values(), strict=True))
    assert torch.equal(learner.step(sample).prediction, prediction)
    assert not all(torch.equal(a, b) for a, b in zip(before, learner.weights().values(), strict=True))


def learner_stops_before_its_weights_change(learner: Learner, sample: Sample, error: type[Exception]) -> None:
    """A sample that makes something non-finite raises, and every weight stays as it was."""
    before = [w.clone() for w in learner.weights().values()]
    try:
        learner.step(sample)
    except error:
        assert all(torch.equal(a, b) for a, b in zip(before, learner.weights().values(), strict=True))
    else:
        raise AssertionError("the learner took a step on a sample that is not finite")
