"""engine=compiled with forward credit: what is compiled is the tick of every net; the tick goes on as the eager one."""

from __future__ import annotations

import ctypes
import shutil
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

import pytest
import torch
from torch import Tensor

from hl_cli.build import Comparison
from hl_cli.engine import fused
from hl_cli.engine.traced import Traced
from hl_cli.errors import NonFinite

Build = Callable[..., Comparison]
FORWARD = ("scheme=forward", "stream=lorenz", "stream.ticks=1", "model.hidden=6", "dtype=float64")
pytestmark = pytest.mark.skipif(not (shutil.which("g++") or shutil.which("clang++")), reason="no C++ compiler")


class AsItIs:
    """In the place of kernels: the function that would be given to the compiler."""

    def __init__(self, traced: Traced) -> None:
        self.traced = traced

    def run(self, given: Sequence[Tensor], library: ctypes.CDLL | None) -> tuple[Tensor, ...]:
        return self.traced(*given)


CASES = [
    *((*FORWARD, f"model={model}") for model in ("rnn", "gru", "lstm", "leaky_rnn", "diagonal", "complex_diagonal",
                                                 "rotation", "leapfrog", "elementwise_lstm", "oscillators", "ring_rnn",
                                                 "min_gru", "hamiltonian", "unicornn", "cornn", "trace_units")),
    (*FORWARD, "split=state", "integrator=explicit_euler", "model=rnn"),  # shows h itself
    (*FORWARD, "scheme.carry=false", "model=lstm"),  # a costate that is None
    ("experiment=signal_school", "stream.lecture=20", "stream.ticks=20", "model.hidden=6", "scenario.beta=0.3",
     "dtype=float64"),
]  # fmt: skip


@pytest.mark.parametrize("choice", CASES, ids=lambda choice: choice[-1] if "model" in choice[-1] else choice[0])
def test_what_is_compiled_is_the_tick_of_every_net(
    build: Build, monkeypatch: pytest.MonkeyPatch, choice: tuple[str, ...]
) -> None:
    """Without the compiler, which makes the same of it for every net."""
    monkeypatch.setattr(fused, "KNOWN", {})
    monkeypatch.setattr(fused, "_compiled", lambda traced, given: (AsItIs(traced), None))
    eager, fast = build(*choice), build(*choice, "engine=compiled")
    start = {name: w.clone() for name, w in eager.hl.weights().items()}
    for sample in islice(eager.stream, 20):
        wanted, record = eager.hl.step(sample), fast.hl.step(sample)
        torch.testing.assert_close(record.prediction, wanted.prediction, rtol=1e-10, atol=1e-12)
    assert any(one.fused for one in fast.hl.kinds.values())
    for name, w in fast.hl.weights().items():
        torch.testing.assert_close(w, eager.hl.weights()[name], rtol=1e-9, atol=1e-12)
        assert not torch.equal(w, start[name]), name


def test_a_long_rise_a_tick_without_a_target_and_looks_in_between(build: Build) -> None:
    """And it stops before its weights change."""
    choice = (*FORWARD, "model=lstm", "scenario=mom_b", "scheme.rise=40", "scheme.eta_z=0.3")
    eager, fast = build(*choice), build(*choice, "engine=compiled")
    assert 0.0 <= fast.hl.gap < 1e-12 and "its steps are compiled, another arithmetic" in fast.note
    for t, sample in enumerate(islice(eager.stream, 120)):
        given = sample._replace(target=None) if t == 70 else sample
        wanted, found = (arm.hl.step(given, observe=t % 50 == 3) for arm in (eager, fast))
        torch.testing.assert_close(found.prediction, wanted.prediction, rtol=1e-10, atol=1e-12)
        if wanted.physics:
            assert found.physics is not None
            for name, value in vars(wanted.physics).items():
                assert getattr(found.physics, name) == pytest.approx(value, rel=1e-9, abs=1e-12), name
    assert fast.hl.replayed > 60
    before = weights(fast.hl)
    torch.testing.assert_close(before, weights(eager.hl), rtol=1e-9, atol=1e-12)
    with pytest.raises(NonFinite):
        fast.hl.step(next(eager.stream)._replace(inputs=sample.inputs * torch.nan))
    assert all(torch.equal(one, before[name]) for name, one in fast.hl.weights().items())


def weights(learner: Any) -> dict[str, Tensor]:
    return {name: w.clone() for name, w in learner.weights().items()}
