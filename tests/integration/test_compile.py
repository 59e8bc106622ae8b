"""compile=true: one graph for the whole tick is the eager tick to round-off, and is refused where it cannot be done."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest
import torch

from hl_cli.build import Comparison
from hl_cli.errors import BadInput, NonFinite
from hl_cli.learners import compiled, export
from hl_cli.learners.compiled import CompiledForward
from tests.covering import long

Build = Callable[..., Comparison]
FORWARD = ("scheme=forward", "stream=lorenz", "stream.ticks=1", "model.hidden=5")
compiling = pytest.mark.skipif(not (shutil.which("g++") or shutil.which("clang++")), reason="no C++ compiler")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def cached(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache that the tests of this file share, so that each graph is compiled once."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder / "hl-run" / "compiled"


CHOICE = (*FORWARD, "model=lstm", "scenario=mom_b", "scheme.rise=9", "scheme.eta_z=0.3", "dtype=float64")


@long
@compiling
def test_compiled_ticks_are_the_eager_ones(build: Build, cached: Path) -> None:
    """Over 200 ticks, one of them without a target, with phi rising; physics too; the second time from the cache."""
    eager, fast = build(*CHOICE), build(*CHOICE, "compile=true")
    assert isinstance(fast.hl, CompiledForward) and fast.hl.gap < 1e-12
    assert "the tick is compiled, another arithmetic" in fast.note
    (made,) = cached.glob("*/graph.pt2")
    when = made.stat().st_mtime_ns
    again = build(*CHOICE, "compile=true")
    assert made.stat().st_mtime_ns == when and len(list(cached.iterdir())) == 1
    for t, sample in enumerate(islice(eager.stream, 200)):
        given = sample._replace(target=None) if t == 7 else sample
        records = [arm.hl.step(given, observe=t % 50 == 3) for arm in (eager, fast, again)]
        torch.testing.assert_close(records[1].prediction, records[0].prediction, rtol=1e-10, atol=1e-12)
        if records[0].physics:
            assert records[1].physics is not None
            for name, value in vars(records[0].physics).items():
                assert getattr(records[1].physics, name) == pytest.approx(value, rel=1e-9, abs=1e-12), name
    for ours, repeated, wanted in zip(*(arm.hl.weights().values() for arm in (fast, again, eager)), strict=True):
        assert torch.equal(ours, repeated)
        torch.testing.assert_close(ours, wanted, rtol=1e-9, atol=1e-12)
    # it goes on from its state, and stops before its weights change
    state = fast.hl.state_dict()
    sample = next(eager.stream)
    fast.hl.step(sample)
    again.hl.load_state_dict(state)
    again.hl.step(sample)
    for ours, repeated in zip(fast.hl.weights().values(), again.hl.weights().values(), strict=True):
        assert torch.equal(ours, repeated)
    before = [w.clone() for w in fast.hl.weights().values()]
    with pytest.raises(NonFinite):
        fast.hl.step(sample._replace(inputs=sample.inputs * torch.nan))
    assert all(torch.equal(a, b) for a, b in zip(before, fast.hl.weights().values(), strict=True))
    with pytest.raises(BadInput, match=r"compile=true: inputs \(2, 1, 3\) after \(1, 1, 3\)"):
        fast.hl.step(sample._replace(inputs=sample.inputs.repeat(2, 1, 1)))
    broken = bytearray(made.read_bytes())
    broken[len(broken) // 2] ^= 1  # it would be loaded, and might crash
    made.write_bytes(broken)

    def denied(*graph_and_path: object) -> None:
        raise PermissionError(13, "denied")

    with pytest.MonkeyPatch.context() as patch:  # what is broken is made anew
        patch.setattr(export, "_write", denied)
        with (
            pytest.warns(UserWarning, match="its digest is another; removed, and compiled anew"),
            pytest.raises(BadInput, match=r"compile=true \(.*\): denied; allowed: compile=false"),
        ):
            build(*CHOICE, "compile=true")
    assert not list(cached.iterdir())


def as_it_is(function: Callable[..., tuple[torch.Tensor, ...]], given: list[torch.Tensor]) -> export.Run:
    """In the place of `compiled`: the function that would go into the graph."""

    def run(given: list[torch.Tensor]) -> list[torch.Tensor]:
        with torch.no_grad():
            return list(function(*given))

    return run


def test_a_graph_that_is_another_function_is_refused(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Inductor's that drops alpha was."""

    def wrong(function: Callable[..., tuple[torch.Tensor, ...]], given: list[torch.Tensor]) -> export.Run:
        run = as_it_is(function, given)
        return lambda given: run([*given[:2], given[2] * torch.tensor([1.0, 1.0, 1.01]), *given[3:]])

    monkeypatch.setattr(compiled, "compiled", wrong)
    with pytest.raises(BadInput, match=r"the compiled step is not the eager one: .* where .* would be round-off"):
        build(*FORWARD, "model=rnn", "compile=true")


@pytest.mark.parametrize("choice", [
    *((*FORWARD, f"model={model}") for model in ("rnn", "gru", "lstm", "leaky_rnn", "diagonal", "complex_diagonal",
                                                 "rotation", "leapfrog", "elementwise_lstm")),
    (*FORWARD, "split=state", "integrator=explicit_euler", "model=rnn"),  # shows h itself, which moves in place
    (*FORWARD, "scheme.carry=false", "model=lstm"),  # a costate that is None, and a tensor of zeros
    ("experiment=signal_school", "stream.lecture=20", "stream.ticks=20", "model.hidden=6", "scenario.beta=0.3"),
], ids=lambda choice: choice[-1] if "model" in choice[-1] else choice[0])  # fmt: skip
def test_what_is_compiled_is_the_tick_of_every_net(
    build: Build, monkeypatch: pytest.MonkeyPatch, choice: tuple[str, ...]
) -> None:
    """The function that goes into the graph, run as it is."""

    monkeypatch.setattr(compiled, "compiled", as_it_is)
    eager, fast = build(*choice, "dtype=float64"), build(*choice, "dtype=float64", "compile=true")
    start = {name: w.clone() for name, w in eager.hl.weights().items()}
    for sample in islice(eager.stream, 20):
        wanted, record = eager.hl.step(sample), fast.hl.step(sample)
        torch.testing.assert_close(record.prediction, wanted.prediction, rtol=1e-10, atol=1e-12)
    for name, w in fast.hl.weights().items():
        torch.testing.assert_close(w, eager.hl.weights()[name], rtol=1e-9, atol=1e-12)
        assert not torch.equal(w, start[name]), name


def test_without_a_compiler_it_says_so(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(
        BadInput, match=r"no C\+\+ compiler \(no-such-compiler\) is on the path; install one, or allowed"
    ):
        build(*FORWARD, "model=rnn", "compile=true")


@pytest.mark.parametrize(("overrides", "said"), [
    (("model=mlp",), r"compile=true \(scheme=global\): allowed: scheme=forward"),
    (("model=mlp", "parallel=data"), r"compile=true \(scheme=global\): allowed: scheme=forward"),
    ((*FORWARD, "model=antisymmetric"), "compile=true: not for model=antisymmetric, whose exponential"),
])  # fmt: skip
def test_what_cannot_be_compiled_is_refused(build: Build, overrides: tuple[str, ...], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        build(*overrides, "compile=true")
