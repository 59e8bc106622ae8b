"""Streams and models of a user's own, by module:factory and by entry point, as a how-to page shows them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from hl_cli.build import Comparison
from hl_cli.compare.differences import Differences
from hl_cli.compare.side_by_side import StepRecord, side_by_side
from hl_cli.compare.verdict import judge
from hl_cli.config.plugins import make, translate
from hl_cli.errors import BadInput
from hl_cli.streams.base import Stream
from tests import warm
from tests.process import summary_of

Build = Callable[..., Comparison]
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A folder with the mine.py of the how-to page, and a distribution that names what is in it as entry points."""
    text = (ROOT / "docs" / "howto" / "own-net.md").read_text()
    (tmp_path / "mine.py").write_text(text.split("```python\n# mine.py\n", 1)[1].split("```", 1)[0])
    info = tmp_path / "mine-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    entries = {"streams": ["coin = mine:Coin", "digits = mine:Nothing"], "models": ["small = mine:net"]}
    parts = [line for group, own in entries.items() for line in (f"[hl_cli.{group}]", *own)]
    (info / "entry_points.txt").write_text("\n".join(parts))
    return tmp_path


def hl_run(where: Path, *arguments: str) -> warm.Said:
    paths = os.pathsep.join([str(where), str(ROOT)])
    return warm.hl_run(where, *arguments, environment={**warm.ENVIRONMENT, "PYTHONPATH": paths})


@pytest.mark.parametrize("choice", [("stream=mine:Coin", "model=mine:net"), ("stream=coin", "model=small")])
def test_your_own(mine: Path, choice: tuple[str, ...]) -> None:
    said = hl_run(mine, *choice, "steps=300", "hydra.run.dir=here", "expect=identical", "scenario=mom_b")
    assert said.returncode == 0, said.stderr
    found = summary_of(mine / "here")
    assert found["verdict"] == "identical" and found["hl"]["held_out_accuracy"] > 0.9
    assert found["command"].startswith("hl-run stream=plugin stream.factory=mine:Coin ")  # what Hydra saw
    assert found["stream"]["name"] == choice[0].split("=")[1].replace(":", ".")


def test_a_name_that_ships_is_not_taken_over(mine: Path) -> None:
    said = hl_run(mine, "stream=digits", "steps=5", "hydra.run.dir=here")
    assert said.returncode == 0, said.stderr
    assert "scikit-learn" in summary_of(mine / "here")["stream"]["origin"]


def test_options_reach_the_factory(mine: Path) -> None:
    said = hl_run(mine, "stream=mine:Coin", "+stream.options.features=7", "steps=5", "hydra.run.dir=here")
    assert said.returncode == 0, said.stderr
    assert summary_of(mine / "here")["stream"]["features"] == 7


BAD = [
    (("stream=mine:Nothing",), "stream.factory=mine:Nothing: mine has no function or class of the name Nothing"),
    (("stream=nowhere:Coin",), "stream.factory=nowhere:Coin: No module named 'nowhere'"),
    (("stream=plugin", "stream.factory=mine"), "stream.factory=mine: allowed: module:factory"),
    (("stream=plugin",), "stream.factory=???: allowed: a value"),
    (("stream=mine:net",), "TypeError: net() got an unexpected keyword argument"),
    (("stream=mine:Coin", "+stream.options.foo=1"), "unexpected keyword argument 'foo'"),
    (("stream=mine:Coin", "stream.options.foo=1"), "an option of your own is added with a plus"),
    (("stream=mine:Coin", "model=mine:Coin"), "model.factory=mine:Coin: TypeError"),
    (("model=builtins:dict",), "gave a dict; allowed: a torch.nn.Module"),
]


@pytest.mark.parametrize(("choice", "words"), BAD)
def test_bad_input(mine: Path, choice: tuple[str, ...], words: str) -> None:
    said = hl_run(mine, *choice, "steps=5")
    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr.count("\n") == 1 and words in said.stderr
    assert not (mine / "outputs").exists()


def test_a_net_of_the_wrong_shape(build: object) -> None:
    for factory, words in (("wide", "allowed: .1, 10."), ("broken", "the net fails on inputs .1, 1, 64.")):
        with pytest.raises(BadInput, match=words):
            build("model=module", f"model.factory=tests.integration.test_plugins:{factory}")  # type: ignore[operator]


def wide(features: int, **shape: object) -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(features, 3))


def broken(features: int, **shape: object) -> torch.nn.Module:
    return torch.nn.Linear(features + 1, 3)


def test_what_is_not_yours_is_left_alone() -> None:
    plain = ["stream=digits", "-m", "stream=a:b,c:d", "model=mlp", "stream.path=C:file", "hydra.run.dir=x:y"]
    assert translate(plain) == plain
    part = ["+stream@stream.streams.c=plugin", "stream.streams.c.factory=a:b", "stream.streams.c.name=a.b"]
    assert translate(["+stream@stream.streams.c=a:b"]) == part
    assert translate(["stream=a.b:c"]) == ["stream=plugin", "stream.factory=a.b:c", "stream.name=a.b.c"]


def test_a_factory_must_give_a_stream() -> None:
    with pytest.raises(BadInput, match=r"gave a list; allowed: a hl_cli\.Stream, or an iterable"):
        make("stream", "builtins:list", Stream, {}, {})


FAULTS = {
    "task": "its task is None",
    "kind": "its task is Task",
    "ticks": "its ticks is 0; allowed: a whole number >= 1",
    "values": "target of .50,., torch.int64; allowed: .50, 1., torch.float32",
    "shape": "inputs of .50, 6., torch.float32; allowed: .50, 2, 3.",
    "dtype": "inputs of .50, 2, 3., torch.int32",
    "class": "class numbers out of range; allowed: 0 to 1",
    "nan": "inputs with values that are not finite",
    "baseline": "only one of samples and held-out part has a baseline",
    "raises": "RuntimeError: my own fault",
    "empty": "it gives no sample; allowed: at least one",
    "shared": "the next sample changed the one before; allowed: new tensors",
    "no held-out": "nothing is held out",
    "no held-out target": "nothing is held out, or without a target",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_stream_that_breaks_the_contract(build: Build, fault: str) -> None:
    with pytest.raises(BadInput, match=FAULTS[fault]) as refused:
        build("stream=plugin", "stream.factory=tests.material:Wrong", f"stream.options={{fault: {fault}}}")
    assert "\n" not in str(refused.value) and str(refused.value).startswith("stream.factory=tests.material:Wrong: ")


@pytest.mark.parametrize(
    ("factory", "words"), [("in_place", "changes its inputs in place"), ("frozen", "no weights that learn")]
)
def test_a_net_that_cannot_be_compared(build: Build, factory: str, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        build("model=module", f"model.factory=tests.material:{factory}", "split=output")


def test_what_the_run_gives_is_not_an_option(build: Build) -> None:
    with pytest.raises(BadInput, match=r"stream.options.seed: the run gives it itself; allowed: other names than seed"):
        build("stream=plugin", "stream.factory=tests.material:Coin", "stream.options={seed: 3}")


def wrong(fault: str, build: Build, **options: int) -> tuple[list[StepRecord], Comparison]:
    choice = [f"{key}={value}" for key, value in options.items()]
    built = build("stream=plugin", "stream.factory=tests.material:Wrong", f"stream.options={{fault: {fault}}}", *choice)
    differences = Differences(built.hl.weights(), built.pytorch.weights())
    return list(side_by_side(built.stream, built.hl, built.pytorch, built.measure, built.schedule, differences)), built


def test_a_stream_that_ends_without_a_word_is_evaluated_at_its_end(build: Build) -> None:
    records, _ = wrong("ends", build, steps=50, log_every=3, eval_every=0)
    assert [r.step for r in records] == [1, 2, 3, 4, 5]
    assert records[-1].held_out and records[-1].measured and records[-1].physics and records[-1].distance


def test_the_data_are_blamed_where_they_are_not_finite(build: Build) -> None:
    records, _ = wrong("late nan", build, steps=50)
    assert {d.quantity for r in records for d in r.diverged} == {"sample's inputs"}
    verdict = judge(None, {1: 0.0}, [d for r in records for d in r.diverged], 1.0, lambda steps: {})
    assert verdict.word == "diverged" and "the data are to blame" in verdict.reason


def test_nothing_learnt_is_not_identical(build: Build, tmp_path: Path) -> None:
    records, _ = wrong("never", build, steps=10)
    assert not any(r.means for r in records)
    verdict = judge(None, {1: 0.0}, [], 1.0, lambda steps: {}, learnt=False)
    assert verdict.word == "undecided" and not verdict.meets("identical") and not verdict.meets("round_off")
