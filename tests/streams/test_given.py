"""Every sample of a stream is looked at: what no learner can take is named with its step, and ends the stream there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from hl_cli.streams.base import Stream
from hl_cli.streams.given import Given
from hl_cli.streams.samples import Samples
from hl_cli.streams.tabular import TabularStream
from hl_cli.types import Sample, Task
from tests.broken_off import apart
from tests.material import Coin

AT = 7  # the first sample that is wrong


class Late(Coin):
    """A user's stream that goes wrong; what is wrong is looked up at each sample, so that a test can mend it."""

    broken = ""

    def __next__(self) -> Any:
        sample = super().__next__()
        return FAULTS[self.broken](sample) if self.given >= AT and self.broken else sample


def labels(*numbers: int) -> Any:
    return lambda sample: sample._replace(target=torch.tensor(numbers))


def fail(error: Exception) -> Any:
    def raising(sample: Sample) -> Sample:
        raise error

    return raising


FAULTS: dict[str, Any] = {
    "one of four": labels(0, 1, -100, 1),
    "all": labels(-100, -100, -100, -100),
    "below": labels(-1, 0, 1, 1),
    "above": labels(0, 1, 2, 1),
    "width": lambda s: s._replace(inputs=s.inputs[..., :2]),
    "ticks": lambda s: s._replace(inputs=s.inputs[:, :1]),
    "flat": lambda s: s._replace(inputs=s.inputs.flatten(1)),
    "dtype": lambda s: s._replace(inputs=s.inputs.double()),
    "target's dtype": lambda s: s._replace(target=torch.ones(4)),
    "rows": lambda s: s._replace(target=torch.ones(5, dtype=torch.int64)),
    "baseline": lambda s: s._replace(baseline=s.target),
    "list": lambda s: s._replace(inputs=[1.0, 2.0]),
    "array": lambda s: s._replace(inputs=s.inputs.numpy()),
    "none": lambda s: None,
    "single": lambda s: s.inputs,
    "long": lambda s: (*s, 1),
    "raises": fail(RuntimeError("sensor\nlost")),
    "network": fail(ConnectionResetError(104, "Connection reset by peer")),
}
WORDS = {
    "one of four": "class -100; allowed: 0 to 1",
    "all": "class -100; allowed: 0 to 1",
    "below": "class -1; allowed: 0 to 1",
    "above": "class 2; allowed: 0 to 1",
    "width": "inputs of (4, 2, 2), torch.float32; allowed: (4, 2, 3), torch.float32",
    "ticks": "inputs of (4, 1, 3), torch.float32; allowed: (4, 2, 3), torch.float32",
    "flat": "inputs of (4, 6), torch.float32; allowed: (4, 2, 3), torch.float32",
    "dtype": "inputs of (4, 2, 3), torch.float64; allowed: (4, 2, 3), torch.float32",
    "target's dtype": "target of (4,), torch.float32; allowed: (4,), torch.int64",
    "rows": "target of (5,), torch.int64; allowed: (4,), torch.int64",
    "baseline": "only some samples have a baseline; allowed: all, or none",
    "list": "its inputs are a list; allowed: a tensor",
    "array": "its inputs are a ndarray; allowed: a tensor",
    "none": "a sample is a NoneType; allowed: hl_cli.Sample, or (inputs, target)",
    "single": "a sample is a Tensor; allowed: hl_cli.Sample, or (inputs, target)",
    "long": "a sample is a tuple of 5; allowed: hl_cli.Sample, or (inputs, target)",
    "raises": "RuntimeError: sensor lost (HYDRA_FULL_ERROR=1 shows where)",
    "network": "ConnectionResetError: [Errno 104] Connection reset by peer (HYDRA_FULL_ERROR=1 shows where)",
}


def late(fault: str = "") -> Late:
    stream = Late(4, 0, dtype=torch.float32, device="cpu")
    stream.broken, stream.name = fault, "mine"
    return stream


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("burst", [1, 3, 20])
def test_a_late_fault_is_named_with_its_stream_and_step(fault: str, burst: int) -> None:
    given = Given(late(fault), Coin.task)
    taken = []
    while found := given.some(burst):
        taken += found
    assert len(taken) == AT - 1 and given.one() is None
    assert str(given.fault) == f"stream mine, step {AT}: {WORDS[fault]}"


def test_the_step_counts_what_was_taken_before() -> None:
    stream = late("below")
    for _ in range(4):
        next(stream)
    given = Given(stream, Coin.task, 4)
    assert len(given.some(10)) == 2
    assert "step 7: " in str(given.fault)


def test_what_learners_can_take_is_left_alone() -> None:
    """A pair is a sample; batches may be of another size; a step may have no target; classes go up to the last."""
    x, t = torch.randn(3, 1, 2), torch.tensor([0, 1, 4])
    samples = [Sample(x, None), (x, t), Sample(x[:1], t[2:]), [x, None], Sample(x, t)]

    class Mine(Stream):
        left = iter(samples)

        def __next__(self) -> Any:
            return next(self.left)

    given = Given(Mine(), Task("classes", 5))
    found = given.some(10)
    given.raise_fault()
    assert [(len(s.inputs), s.target is None) for s in found] == [
        (3, True),
        (3, False),
        (1, False),
        (3, True),
        (3, False),
    ]
    assert all(type(s) is Sample for s in found)


def test_a_run_keeps_the_steps_before_it_and_goes_on_once_the_stream_is_mended(
    invoke: Any, no_pictures: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    choice = ("stream=plugin", "stream.factory=tests.streams.test_given:Late", "batch_size=4", "steps=20")
    choice = (*choice, "log_every=5", "checkpoint_every=4")
    monkeypatch.setattr(Late, "broken", "below")
    code, _, err = invoke(*choice, "hydra.run.dir=here")
    assert code == 1 and err.count("\n") == 1 and "step 7: class -1; allowed: 0 to 1; what was done is in here" in err
    assert (tmp_path / "here" / "curves.csv").read_text().splitlines()[-1].startswith("6,")
    found = json.loads((tmp_path / "here" / "summary.json").read_text())
    assert found["steps"] == 6 and "step 7: class -1" in found["interrupted"] and found["hl"]["held_out_loss"] > 0
    monkeypatch.setattr(Late, "broken", "")
    assert invoke("resume=here")[0] == 0
    assert invoke(*choice, "hydra.run.dir=whole")[0] == 0
    assert not apart(tmp_path / "here", tmp_path / "whole")


def test_a_stream_that_gives_samples_in_its_own_way_is_asked_for_them_one_by_one() -> None:
    class Doubled(TabularStream):
        def __next__(self) -> Sample:
            sample = super().__next__()
            return sample._replace(inputs=2 * sample.inputs)

    plain, own = TabularStream("digits"), Doubled("digits")
    pairs = zip(Given(plain, plain.task).some(40), Given(own, own.task).some(40), strict=True)
    assert len(plain.take(3)) == 3 and all(torch.equal(2 * a.inputs, b.inputs) for a, b in pairs)


@pytest.mark.parametrize(("fault", "words"), [("above", "class 2; allowed: 0 to 1"), ("rows", "as many of each")])
def test_a_fault_among_samples_in_one_tensor_is_named_with_its_step(fault: str, words: str) -> None:
    class Many(Stream):
        name, given = "mine", 0

        def take(self, count: int) -> Samples:
            self.given += 1
            target = torch.ones(5, 4, dtype=torch.int64)
            target[3] += self.given > 1 and fault == "above"
            return Samples(torch.zeros(5, 4, 1, 2), target[: 4 if self.given > 1 and fault == "rows" else 5])

    given, at = Given(Many(), Coin.task), 9 if fault == "above" else 6
    taken: list[Sample] = []
    while found := given.some(5):
        taken += found
    assert len(taken) == at - 1 and f"stream mine, step {at}: " in str(given.fault) and words in str(given.fault)
