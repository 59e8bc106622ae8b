"""Nets that draw random numbers: both arms draw the same, or it is found out."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch

from hl_cli.build import Comparison
from hl_cli.compare.draws import NUMPY, PYTHON, TORCH, Draws, Drew
from hl_cli.compare.verdict import judge, noise_floor, one_ulp_away
from hl_cli.errors import BadInput
from tests.networks.test_own_nets import SHORT, run

Build = Callable[..., Comparison]


@pytest.fixture(autouse=True)
def kept() -> Iterator[None]:
    with Draws([TORCH, NUMPY, PYTHON]).kept():
        yield


def drawing(build: Build, kind: str, *choice: str) -> Comparison:
    return build("model=module", "model.factory=tests.nets:drawing", f"model.options={{kind: {kind}}}", *choice, *SHORT)


@pytest.mark.parametrize("kind", ["dropout", "gauss", "numpy", "python"])
@pytest.mark.parametrize("choice", [("split=state",), ("split=output",), ("split=state", "scheme=wave")])
def test_both_arms_draw_the_same_numbers(build: Build, kind: str, choice: tuple[str, ...]) -> None:
    verdict, tally = run(drawing(build, kind, *choice))
    assert verdict.word == "identical", verdict.reason
    assert tally.drew == {"hl": Drew.ALIKE}
    assert tally.held_out["hl"] == tally.held_out["pytorch"]  # these nets draw in evaluation, too


def test_draws_that_follow_from_no_seed_are_named(build: Build) -> None:
    verdict, _ = run(drawing(build, "unseeded", "split=state"))
    assert verdict.word == "different" and "the net draws what no seed gives" in verdict.reason


def test_arms_that_draw_differently_are_never_round_off() -> None:
    verdict = judge(1, {5: 1e-9}, [], 1.0, lambda steps: {5: 1e-9}, drew=Drew.OTHERWISE)
    assert verdict.word == "different" and "this arm drew others than the reference" in verdict.reason
    assert judge(1, {5: 1e-9}, [], 1.0, lambda steps: {5: 1e-9}, drew=Drew.ALIKE).word == "round_off"


def test_the_two_of_the_noise_floor_draw_the_same_numbers(build: Build) -> None:
    """Else it would be as large as the noise, and nothing could fail."""
    built = drawing(build, "dropout", "split=state")
    floor = noise_floor(built.fresh_stream(), built.fresh_pytorch, [5, 20], 0, draws=built.draws)
    alone = noise_floor(built.fresh_stream(), built.fresh_pytorch, [5, 20], 0)
    assert 0 < floor[20] < 1e-5 < 1e-3 < alone[20]
    one_ulp_away(built.hl, 0)  # a real difference of that size is round-off, and a larger one is not
    assert run(built)[0].word == "round_off"
    built = drawing(build, "dropout", "split=state")
    next(iter(built.hl.weights().values())).mul_(1.001)
    assert run(built)[0].word == "different"


def test_turns() -> None:
    draws, seen = Draws(), {}
    for name in draws.each("abc"):
        seen[name] = torch.rand(2 if name == "c" else 1)[0].item() if name != "b" else None
    assert seen["a"] == seen["c"]
    assert draws.drew("abc", "a") == {"b": Drew.OTHERWISE, "c": Drew.OTHERWISE}
    torch.rand(1)  # goes on where a, the first that drew, was
    for name in draws.each("ab"):
        assert torch.rand(1).item() != seen["a"], name
    assert draws.drew("ab", "a") == {"b": Drew.ALIKE}
    for _ in draws.each("ab"):
        pass
    assert draws.drew("ab", "a") == {} and draws.moved == {"torch"}


def test_ticks_that_are_run_again_would_draw_anew(build: Build) -> None:
    cell = ("model=module", "model.factory=tests.nets:OwnCell", "model.options={drop: 0.5}", "stream=digits_rows")
    with pytest.raises(BadInput, match=r"checkpointing=recompute: the net draws .*allowed: checkpointing=store"):
        build(*cell, "split=state")
    for choice in (("split=state", "checkpointing=store"), ("split=output",)):
        assert run(build(*cell, *choice, *SHORT))[0].word == "identical"
