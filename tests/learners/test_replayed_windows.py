"""Truncated BPTT with engine=replay: windows without Python say, leave and stop at what eager ones do."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from hl_cli.build import Comparison
from hl_cli.errors import NonFinite
from hl_cli.learners.equality import same_bits
from tests.one_by_one import taken
from tests.process import summary_of
from tests.warm import hl_run

Build = Callable[..., Comparison]
ONLINE = ("stream=recall", "scheme=forward", "pytorch.window=4", "model.hidden=6")
REPLAY = "pytorch.engine=replay"
CASES = [
    ("model=rnn", "scenario=mom_b", "clip=0.1"),
    ("model=gru", "scenario=adam", "dtype=float64"),
    ("model=lstm", "scenario=gd_b", "batch_size=3"),
    ("model=lstm", "scenario=gd_b", "pytorch.window=1", "model.layers=2"),
    ("model=trace_units", "scenario=adam", "clip=1", "schedule=cosine", "schedule.steps=99"),
    ("model=min_gru", "scenario=rmsprop", "update_every=4"),
    ("model=rnn", "scenario=adam", "stream=lorenz", "stream.ticks=2", "stream.targets=all"),
    ("model=gru", "scenario=adam", "stream=iris", "scheme.reset=sample", "batch_size=5"),
]


def said(learner: Any, samples: list[Any], each: int) -> list[Any]:
    """What it says of the samples, so many at once, its weights after each, and what it then is."""
    out: list[Any] = []
    live = [w.view(-1) for w in learner.weights().values()]
    for k in range(0, len(samples), each):
        for record, row in taken(learner, samples[k : k + each], True, lambda: live):
            out.append((record.prediction, record.loss, row))
        out.append(learner.state_dict())
    return out


def pair(build: Build, choice: tuple[str, ...], count: int) -> tuple[Any, Any, list[Any]]:
    """The same learner eager and replayed, and samples."""
    eager, replay = build(*ONLINE, *choice), build(*ONLINE, *choice, REPLAY)
    return eager.pytorch, replay.pytorch, list(islice(eager.stream, count))


@pytest.mark.parametrize("choice", CASES, ids=" ".join)
def test_the_same_bits(build: Build, choice: tuple[str, ...]) -> None:
    """Also of windows that a measured step cuts, which are eager."""
    eager, replay, samples = pair(build, choice, 93)
    assert same_bits(said(replay, samples, 31), said(eager, samples, 31))
    assert not replay.eager_because and 20 <= replay.replayed < 90
    there, rest = eager.state_dict(), samples[:40]
    eager.load_state_dict(there)
    replay.load_state_dict(there)  # in the middle of a window: what was recorded is recorded anew
    assert same_bits(said(replay, rest, 20), said(eager, rest, 20))


@pytest.mark.parametrize("at", [3, 41, 43, 44])
def test_a_number_that_is_not_finite_stops_it_at_the_same_sample(build: Build, at: int) -> None:
    eager, replay, samples = pair(build, ("model=rnn", "scenario=adam"), 60)
    samples[at] = samples[at]._replace(target=torch.full_like(samples[at].target, torch.inf))
    found: list[list[Any]] = [[], []]
    for learner, out in zip((eager, replay), found, strict=True):
        with pytest.raises(NonFinite, match="loss"):
            for record, _ in taken(learner, samples, False, list):
                out.append((record.prediction, record.loss))
        out.append(learner.state_dict()["module"])
    assert len(found[0]) == at + 1 and same_bits(*found)


class Counting(nn.Module):
    """A head that keeps a count in a buffer of its own."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner
        self.register_buffer("count", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, hidden) to (batch, outputs)."""
        self.count += 1
        return self.inner(x)  # type: ignore[no-any-return]


def test_a_net_that_keeps_a_count_runs_eagerly_and_says_so(build: Build) -> None:
    eager, replay, samples = pair(build, ("model=rnn", "scenario=adam"), 40)
    for learner in (eager, replay):
        learner.module.head = Counting(learner.module.head)
    with pytest.warns(UserWarning, match="engine=replay: pytorch runs eagerly: aten::add_ writes into a tensor that"):
        found = said(replay, samples, 40)
    assert same_bits(found, said(eager, samples, 40)) and not replay.replayed


def test_it_is_identical_to_its_eager_self_in_a_run(tmp_path: Path) -> None:
    done = hl_run(
        tmp_path, "arm=[tbptt8]", "+arm@arms.replayed=tbptt8", "arms.replayed.engine=replay",
        "arms.replayed.label=replayed", "model=gru", "model.hidden=5", "stream=recall", "scheme=forward",
        "steps=200", "reference=tbptt8",
        "expect=identical", "hydra.run.dir=run",
    )  # fmt: skip
    assert done.returncode == 0
    assert summary_of(tmp_path / "run")["verdict"] == "identical"
    assert "truncated BPTT over 8 ticks, replayed" in (tmp_path / "run" / "report.md").read_text()
