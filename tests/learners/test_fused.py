"""engine=compiled: fused kernels are the eager steps to round-off, stop where they do, and are refused in one line."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import pytest
import torch

from hl_cli.build import Comparison
from hl_cli.engine import kept
from hl_cli.engine.kernels import Lowered
from hl_cli.errors import BadInput, NonFinite
from hl_cli.learners import fused, replayed
from hl_cli.learners.equality import same_bits
from hl_cli.learners.fused import FusedLearner
from hl_cli.learners.taken_back import taken_back
from tests.covering import long
from tests.one_by_one import taken

Build = Callable[..., Comparison]
pytestmark = pytest.mark.skipif(not (shutil.which("g++") or shutil.which("clang++")), reason="no C++ compiler")
ONLINE = ("scheme=forward", "stream=mackey_glass", "stream.ticks=1", "model=rnn", "model.hidden=4", "dtype=float64")
CASES = [
    ("model=mlp", "scenario=gd_b", "dtype=float64", "engine=compiled"),  # omega and the drive change places
    (*ONLINE, "scheme.carry=false", "engine=compiled"),
    (*ONLINE, "engine=compiled"),  # costates are carried on, and bounded
    (*ONLINE, "model=trace_units", "credit=eligibility", "engine=compiled"),  # complex numbers
]
MORE = [
    ("model=lstm", "stream=digits_rows", "model.hidden=4", "scenario=adam", "dtype=float64", "engine=compiled"),
    ("model=cnn", "scenario=mom_b", "batch_size=3", "dtype=float64", "engine=compiled"),
    (*ONLINE, "model=gru", "credit=eligibility", "scenario=adam", "clip=1", "engine=compiled"),
    (*ONLINE, "model=gru", "model.layers=2", "scheme.rise=5", "scheme.eta_z=0.1", "engine=compiled"),
    (*ONLINE, "credit=network", "batch_size=2", "engine=compiled"),
    (*ONLINE, "model=elementwise_lstm", "credit=eligibility", "engine=compiled"),
    (*ONLINE, "model=complex_diagonal", "batch_size=3", "credit=eligibility", "scenario=adam", "engine=compiled"),
    (*ONLINE, "model=trace_units", "model.layers=2", "credit=eligibility", "scenario=rmsprop", "engine=compiled"),
]


@pytest.mark.parametrize("choice", [*CASES, *(pytest.param(one, marks=long) for one in MORE)])
def test_it_is_the_eager_learner_to_round_off_in_bursts(build: Build, choice: tuple[str, ...], done: list[int]) -> None:
    fast, eager = build(*choice), build(*choice, "engine=eager")
    assert isinstance(fast.hl, FusedLearner) and 0.0 <= fast.hl.gap < 1e-11
    samples = [next(fast.stream) for _ in range(60)]
    said = [record for record, _ in taken(fast.hl, samples, False, lambda: [])]
    for record, sample in zip(said, samples, strict=True):
        one = eager.hl.step(sample)
        torch.testing.assert_close(record.prediction, one.prediction, rtol=1e-9, atol=1e-11)
        assert record.loss == pytest.approx(one.loss, rel=1e-9)
    assert max(done) > 20 and any(one.fused for one in fast.hl.kinds.values())
    torch.testing.assert_close(fast.hl.phase.theta, eager.hl.phase.theta, rtol=1e-9, atol=1e-11)
    again = build(*choice)
    again.hl.load_state_dict(fast.hl.state_dict())
    samples = [next(fast.stream) for _ in range(60)]
    unbroken, resumed = ([*taken(of.hl, samples, False, lambda: [])] for of in (fast, again))
    assert same_bits([one.prediction for one, _ in unbroken], [one.prediction for one, _ in resumed])
    assert same_bits(fast.hl.state_dict(), again.hl.state_dict())


@pytest.mark.filterwarnings("ignore:.* runs eagerly. it has more than 1 kinds")
@pytest.mark.parametrize(("module", "limit"), [(fused, "COMPILED"), (replayed, "KINDS")])
def test_what_goes_on_knows_which_kinds_there_were(
    build: Build, monkeypatch: pytest.MonkeyPatch, module: Any, limit: str
) -> None:
    """Of one that is compiled, or of one at all; after the checkpoint another comes first."""
    first, again = build(*CASES[2]), build(*CASES[2])
    monkeypatch.setattr(module, limit, 1)
    samples = [next(first.stream) for _ in range(40)]
    for sample in samples[:20]:
        first.hl.step(sample)
    again.hl.load_state_dict(first.hl.state_dict())
    for k, sample in enumerate(samples[20:]):
        given = sample._replace(target=None) if k in (0, 2, 4, 6) else sample
        for learner in (first.hl, again.hl):
            learner.step(given)
        assert same_bits(first.hl.state_dict(), again.hl.state_dict())
    assert sum(bool(one.fused) for one in again.hl.kinds.values()) == (limit == "COMPILED")


@pytest.mark.parametrize("more", [(), ("scheme.reset=h", "update_every=3")], ids=" ".join)
@torch.no_grad()
def test_a_period_that_is_taken_back_leaves_no_trace(build: Build, more: tuple[str, ...]) -> None:
    built = build(*CASES[2][:-1], "scenario=gd_b", "engine=replay", *more)  # buffers change places
    for _ in range(4):
        built.hl.step(next(built.stream))
    sample = next(built.stream)
    before, place = built.hl.state_dict(), built.hl.phase.drive
    for _ in range(2):
        with taken_back(built.hl):
            built.hl.learn(sample, False)
            assert not same_bits(built.hl.state_dict(), before)
        assert same_bits(built.hl.state_dict(), before) and built.hl.phase.drive is place


def test_it_stops_at_the_step_that_is_not_finite_and_its_weights_have_not_moved(build: Build) -> None:
    built = build(*CASES[0])
    samples = [next(built.stream) for _ in range(40)]
    samples[25] = samples[25]._replace(inputs=samples[25].inputs * float("inf"))
    found = taken(built.hl, samples, False, lambda: [])
    for _ in range(25):
        next(found)
    before = built.hl.phase.theta.clone()
    with pytest.raises(NonFinite):
        next(found)
    assert torch.equal(before, built.hl.phase.theta) and torch.isfinite(before).all() and built.hl.steps == 25


@pytest.mark.parametrize("scenario", ["gd_b", "mom_a"])
def test_it_goes_on_after_a_step_that_is_not_finite(build: Build, scenario: str) -> None:
    """The drive is no memory that is kept: kernels leave anything there, and omega is whole all the same."""
    choice = ("model=mlp", f"scenario={scenario}", "dtype=float64")
    fast, eager = build(*choice, "engine=compiled"), build(*choice)
    samples = [next(fast.stream) for _ in range(40)]
    bad = samples[20]._replace(inputs=samples[20].inputs * float("inf"))
    for learner in (fast.hl, eager.hl):
        list(taken(learner, samples[:20], False, lambda: []))
        with pytest.raises(NonFinite):
            learner.step(bad)
        list(taken(learner, samples[20:33], True, lambda: []))  # of which the last is measured
        list(taken(learner, samples[33:], False, lambda: []))
    assert fast.hl.replayed > 20
    for mine, theirs in ((fast.hl.phase.theta, eager.hl.phase.theta), (fast.hl.phase.omega, eager.hl.phase.omega)):
        torch.testing.assert_close(mine, theirs, rtol=1e-9, atol=1e-11)


def test_kernels_of_another_function_are_refused(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """As those of a compiler that drops a factor would be."""
    run = Lowered.run

    def wrong(*given: Any) -> tuple[torch.Tensor, ...]:
        first, *rest = run(*given)
        return first * 1.01, *rest

    monkeypatch.setattr(Lowered, "run", wrong)
    with pytest.raises(BadInput, match=r"compiled step is not the eager one: .* round-off; allowed: engine=replay"):
        build(*CASES[0])


def test_where_nothing_can_be_kept_it_is_refused(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*given: object) -> None:
        raise PermissionError(13, "denied")

    monkeypatch.setattr(kept, "find", denied)
    with pytest.raises(BadInput, match=r"engine=compiled: torch cannot compile it: .*denied; allowed: engine=replay"):
        build("model=mlp", "model.hidden=[7]", "engine=compiled")


REFUSED = [
    (("model=mlp", "schedule=cosine"), "engine=compiled: its weights take no step that is the same from step to step"),
    (("model=mlp", "parallel=data"), r"engine=compiled \(parallel=data\)"),
    (("model=mlp", "checkpointing=reverse"), "engine=compiled: allowed with checkpointing"),
    ((*ONLINE, "model=antisymmetric"), "engine=compiled: Python reads 4 numbers in a step"),
    ((*ONLINE, "credit=tail"), r"engine=compiled \(credit=tail\): allowed: credit=costate"),
]


@pytest.mark.parametrize(("choice", "said"), REFUSED)
def test_what_cannot_be_compiled_is_refused_before_the_run(build: Build, choice: tuple[str, ...], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        build(*choice, "engine=compiled")


def test_without_a_compiler_it_is_refused(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(BadInput, match=r"engine=compiled: no C\+\+ compiler"):
        build("model=mlp", "engine=compiled")
