"""The driver of engine=replay: what it does where a compiler is there, and that nothing is lost where there is none."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

import pytest

from hl_cli.build import Comparison
from hl_cli.engine import driver
from hl_cli.learners.equality import same_bits
from tests.learners.test_replayed import taken

Build = Callable[..., Comparison]
ONLINE = ("scheme=forward", "stream=recall", "stream.task=adding", "model=rnn", "model.hidden=4", "credit=eligibility")
compiling = pytest.mark.skipif(not (shutil.which("g++") or shutil.which("clang++")), reason="no C++ compiler")


@pytest.fixture
def asked_anew() -> Iterator[None]:
    """As at the start of a process."""
    driver.missing.cache_clear()
    yield
    driver.missing.cache_clear()


def runners(learner: object) -> set[bool]:
    """Of all programs that are in use: whether it is the driver."""
    kinds = learner.kinds.values()  # type: ignore[attr-defined]
    return {of.program.native is not None for of in kinds if of.proven}


@compiling
def test_where_there_is_a_compiler_the_driver_runs_the_calls(build: Build) -> None:
    built = build("model.hidden=[5]", "engine=replay")
    taken(built.hl, built.stream)
    assert built.hl.replayed and runners(built.hl) == {True}


@pytest.mark.parametrize("choice", [("model.hidden=[5]", "scenario=adam"), ONLINE], ids=["global", "forward"])
def test_without_a_compiler_one_line_and_the_same_bits(
    build: Build, choice: tuple[str, ...], asked_anew: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.warns(UserWarning, match=r"TorchScript's interpreter: no C\+\+ compiler \(no-such-compiler\)") as said:
        eager, replay = build(*choice), build(*choice, "engine=replay")
        build(*choice, "engine=replay")
    assert len(said) == 1
    assert same_bits(taken(replay.hl, replay.stream), taken(eager.hl, eager.stream))
    assert replay.hl.replayed and runners(replay.hl) == {False}


def test_a_compiler_that_fails_is_named(asked_anew: None, monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("CXX", "false")
    with pytest.warns(UserWarning, match=r"false cannot compile it"):
        assert not driver.driver()
