"""Streams and models of a user's own, by module:factory and by entry point, as the README shows them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import torch

from hl_cli.errors import BadInput
from hl_cli.plugins import make, translate
from hl_cli.streams.base import Stream
from tests.process import ENVIRONMENT, HL_RUN, PATIENCE, Said, summary_of

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """A folder with the README's mine.py, and a distribution that names what is in it as entry points."""
    text = (ROOT / "README.md").read_text()
    (tmp_path / "mine.py").write_text(text.split("```python\n# mine.py\n", 1)[1].split("```", 1)[0])
    info = tmp_path / "mine-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    entries = {"streams": ["coin = mine:Coin", "digits = mine:Nothing"], "models": ["small = mine:net"]}
    parts = [line for group, own in entries.items() for line in (f"[hl_cli.{group}]", *own)]
    (info / "entry_points.txt").write_text("\n".join(parts))
    return tmp_path


def hl_run(where: Path, *arguments: str) -> Said:
    paths = os.pathsep.join([str(where), str(ROOT)])
    return subprocess.run(
        [*HL_RUN, *arguments], cwd=where, env={**ENVIRONMENT, "PYTHONPATH": paths}, capture_output=True, text=True,
        timeout=PATIENCE,
    )  # fmt: skip


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
    (("model=builtins:dict",), "gave a dict; allowed: a torch.nn.modules.module.Module"),
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
    assert translate(["stream=a.b:c"]) == ["stream=plugin", "stream.factory=a.b:c", "stream.name=a.b.c"]


def test_a_factory_must_give_a_stream() -> None:
    with pytest.raises(BadInput, match=r"gave a list; allowed: a hl_cli\.streams\.base\.Stream"):
        make("stream", "builtins:list", Stream)
