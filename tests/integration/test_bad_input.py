"""Bad input is refused in one line that names the field, with exit code 1, and nothing is left behind."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import MissingConfigException

from hl_cli import app, cli
from hl_cli.errors import BadInput
from hl_cli.session import Session


class Said(NamedTuple):
    """What the command left of itself."""

    code: object
    out: str
    err: str


Command = Callable[[str], Said]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """command("steps=0"): hl-run in this process, in a folder with a file and a folder that is not empty."""
    (tmp_path / "file").write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "curves.csv").write_text("of another run")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setenv(app.TRACEBACK, "0")  # the command sets it itself; so it is undone

    def run(arguments: str) -> Said:
        GlobalHydra.instance().clear()
        monkeypatch.setattr(app, "session", Session())
        monkeypatch.setattr(sys, "argv", ["hl-run", *shlex.split(arguments)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        return Said(stop.value.code, *capsys.readouterr())

    return run


def content(folder: Path) -> dict[str, bytes | None]:
    """Every file and folder below, files with what is in them."""
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in sorted(folder.rglob("*"))}


UNKNOWN = [
    ("foo=1", "foo"),
    ("+a.b=1", "a: no such field"),
    ("stepz=10", "did you mean steps"),
    ("stream.foo=1", "stream.foo"),
    ("++stream.foo=1", "stream.foo"),
    ("model.layers=3", "model.layers"),
    ("model=linear model.hidden=[3]", "model.hidden"),
    ("model=rnn model.activation=relu", "model.activation"),
    ("scenario.gamma=2", "scenario.lr, scenario.momentum"),
    ("hydra.job.foo=1", "hydra.job.foo"),
    ("stream=foo", "digits_rows, drift, fashion_mnist, iris, kmnist, lorenz"),
    (
        "model=foo",
        "antisymmetric, cnn, complex_diagonal, diagonal, gru, leaky_rnn, leapfrog, linear, lstm, mlp, module",
    ),
    ("split=foo", "output, state, state_output"),
    ("scenario=foo", "custom, gd_a"),
    ("scheme=foo", "blocks, forward, global, local, wave"),
    ("scheme.stash=true", "scheme.stash: no such field"),
    ("integrator=foo", "explicit_euler, semi_implicit_euler"),
    ("paths=foo", "paths=foo"),
    ("experiment=foo", "experiment=foo"),
    ("debug=foo", "debug=foo"),
]
TYPES = [
    ("steps=abc", "steps=abc: allowed: a whole number"),
    ("steps=1.5", "steps=1.5: allowed: a whole number"),
    ("steps=true", "steps=True: allowed: a whole number"),
    ("steps=[1]", "steps=[1]: allowed: a whole number"),
    ("tau=abc", "tau=abc: allowed: a number"),
    ("model.hidden=32", "model.hidden=32: allowed: a list"),
    ("model.hidden=[a]", "model.hidden"),
]
NULLS = ["steps", "tau", "dtype", "device", "stream.ticks", "model.hidden"]
RANGES = [
    *((f"steps={n}", f"steps={n}: allowed: a number >= 1") for n in (0, 10**12 + 1)),
    *((f"batch_size={n}", f"batch_size={n}") for n in (0, 10**6 + 1)),
    *((f"seed={n}", f"seed={n}: allowed: a number >= 0 and <= 4294967295") for n in (-1, 2**32)),
    *((f"threads={n}", f"threads={n}") for n in (0, 1025)),
    ("hold=0", "hold=0"),
    ("eval_every=-1", "eval_every=-1"),
    ("log_every=0", "log_every=0"),
    *((f"tau={x}", "tau=") for x in (0, "nan", "inf")),
    *((f"stream.held_out={x}", "stream.held_out=") for x in (0, 1, "nan")),
    ("stream.ticks=0", "stream.ticks=0"),
    *((f"model.hidden={widths}", f"model.hidden={widths}") for widths in ("[]", "[0]", "[1000001]")),
    *((f"model=gru model.hidden={n}", f"model.hidden={n}") for n in (0, 10**6 + 1)),
    *((f"model=gru model.layers={n}", f"model.layers={n}") for n in (0, 1001)),
    *((f"model=rotation model.damping={x}", f"model.damping={x}") for x in (0, 1.1)),
    ("model=rotation model.gain=0", "model.gain=0"),
    ("model=antisymmetric model.scale=0", "model.scale=0"),
    ("model=leapfrog model.eps=0", "model.eps=0"),
    *((f"scenario.lr={x}", "scenario.lr=") for x in (0, "nan", "inf")),
    *((f"scenario.momentum={x}", "scenario.momentum=") for x in (-0.1, 1)),
    *((f"scenario.dampening={x}", "scenario.dampening=") for x in (-0.1, 1.1)),
    *((f"scenario.weight_decay={x}", "scenario.weight_decay=") for x in (-1, "inf")),
    *((f"scenario=custom scenario.beta={x}", "scenario.beta=") for x in (0, "inf")),
    *((f"scenario=custom scenario.beta=0.1 scenario.eta={x}", "scenario.eta=") for x in (-1, "inf")),
    *((f"scenario=custom scenario.beta=0.1 scenario.phi={x}", "scenario.phi=") for x in (-1, "nan")),
]
REVERSE = [
    ("model=lstm split=state", "memory=reverse: LSTMCell has no inverse; allowed: rotation, antisymmetric, leapfrog"),
    ("model=rnn", "memory=reverse: TanhCell has no inverse"),
    ("model=mlp", "memory=reverse: there is no state net that remembers; allowed: rotation"),
    ("model=rotation split=output", "there is no state net that remembers"),
    ("model=module model.factory=tests.material:net", "there is no state net that remembers"),
    ("model=rotation model.damping=0.9", "amplify rounding more than 100 times; allowed: anchor_every of 1 to 43"),
    ("model=rotation model.damping=0.999 anchor_every=0", "allowed: anchor_every of 1 to 4602"),
    ("model=rotation model.damping=0.001 anchor_every=1", "allowed: another memory"),
    ("model=rotation anchor_every=-1", "anchor_every=-1"),
]
CHOICES = [
    *((f"stream=digits_rows memory=reverse {choice}", named) for choice, named in REVERSE),
    ("dtype=float16", "dtype=float16: allowed: float32, float64"),
    ("memory=foo", "memory=foo: allowed: recompute, segments, store, reverse"),
    ("expect=different", "expect=different: allowed: identical, round_off"),
    ("model.activation=sigmoid", "model.activation=sigmoid: allowed: tanh, relu"),
    ("integrator.name=foo", "integrator.name=foo"),
    ("stream.dataset=foo", "digits, iris, wine, breast_cancer"),
]
TOGETHER = [
    (
        "scheme=local split=output",
        "split=output has no state net to cut into blocks; allowed: split=state, state_output",
    ),
    ("scheme=wave model=lstm stream=digits_rows", "allowed: feed-forward nets"),
    *((f"scheme=local split=state scheme.blocks={n}", f"scheme.blocks={n}: allowed: 1 to 2") for n in (0, 3)),
    *(
        (f"scheme=wave split=state scheme.blocks={cut}", "layers before which to cut")
        for cut in ("[0]", "[1,1]", "[2]")
    ),
    *((f"scheme=wave scheme.blocks={x}", "allowed: null, a whole number") for x in ("abc", 1.5, "true", "[a]")),
    ("scheme=local scheme.devices=[tpu]", "scheme.devices=tpu: allowed: cpu, cuda, mps"),
    ("scheme=local scheme.devices=[cpu,cpu]", "allowed: at most 1, one a block"),
    ("scheme=local parallel=data", "parallel=data: scheme=local has its own; allowed: scheme=global"),
    ("parallel=foo", "parallel=foo: allowed: data"),
    ("scheme=wave split=state memory=store", "memory=store: blocks of a feed-forward net have no ticks to keep"),
    ("parallel=data memory=reverse", "memory=reverse: allowed with parallel=data"),
    ("stream.held_out=0.9999", "stream.held_out=0.9999"),
    ("stream.held_out=0.0001", "stream.held_out=0.0001"),
    ("scenario=custom scenario.lr=1e39", "no finite number in float32"),
    ("scenario=custom scenario.beta=0.1 scenario.phi=1e300", "no finite number in float32"),
    ("tau=1e-320", "no finite number in float32"),
    ("dtype=float64 tau=1e-320", "no finite number in float64"),
    ("model.name=foo", "model.name=foo: allowed: mlp"),
    ("model=rnn model.name=linear", "model.name=linear: allowed: rnn, gru, lstm"),
    ("stream=null", "stream=digits"),
    ("model.hidden=[null]", "model.hidden=[null]"),
    ("scenario.beta=0.1", "scenario gives both lr, momentum, dampening (of SGD) and beta (of HL)"),
    ("scenario=custom scenario.lr=0.1 scenario.eta=1", "scenario gives both lr (of SGD) and eta (of HL)"),
    ("scenario=custom", "scenario.lr=null"),
    ("scenario=custom scenario.momentum=0.5", "scenario.lr=null"),
    ("scenario=custom scenario.eta=0.3", "scenario.beta=null"),
    ("model=linear", "split=state_output: model=linear has no hidden layer, so its splits are output, state"),
    ("stream.ticks=7", "stream.ticks=7: digits has 64 features"),
    ("stream=iris stream.ticks=3", "stream.ticks=3: iris has 4 features"),
    ("device=foo", "device=foo: allowed: cpu, cuda, mps"),
    ("device=cuda", "device=cuda: this machine or this build of torch has only cpu"),
    ("device=cuda:99", "device=cuda:99"),
    ("device=mps", "device=mps"),
]
FOLDERS = [
    ("hydra.run.dir=file", "/file: File exists"),
    ("hydra.run.dir=file/below/it", "hydra.run.dir="),
    ("hydra.run.dir=full", "full: holds files of another run"),
    ("hydra.run.dir=.", "holds files of another run"),
    ("hydra.run.dir=null", "hydra.run.dir=null"),
    ("hydra.run.dir=new/one steps=0", "steps=0"),
    ("paths.outputs=file", "file/"),
    ("-m steps=1 hydra.sweep.dir=file/below", "hydra.sweep.dir="),
    ("-m steps=1,2 hydra.sweep.dir=full", "full: holds files of another run"),
    ("-m foo=1,2", "foo"),
]
GRAMMAR = [
    ("steps", "'steps'"),
    ("steps=[1", "'[1'"),
    ("steps=1,2", "steps=1,2"),
    ("tau='${nowhere}'", "nowhere"),
    ("--config-name nowhere", "nowhere"),
]
BAD = [*UNKNOWN, *TYPES, *((f"{n}=null", f"{n}=null") for n in NULLS), *RANGES, *CHOICES, *TOGETHER, *FOLDERS, *GRAMMAR]


@pytest.mark.parametrize(("arguments", "names"), BAD)
def test_one_line_that_names_the_field_and_nothing_left(
    arguments: str, names: str, command: Command, tmp_path: Path
) -> None:
    before = content(tmp_path)
    said = command(arguments)
    assert said.code == 1
    assert said.err.startswith("hl-run: ")
    assert said.err.count("\n") == 1
    assert said.err.endswith("\n")
    assert names in said.err
    assert said.out == ""
    assert content(tmp_path) == before


def test_the_right_input_may_follow_into_the_same_folder(command: Command, tmp_path: Path) -> None:
    assert command("steps=0 hydra.run.dir=new/one").code == 1
    assert not (tmp_path / "new").exists()
    said = command("steps=1 hydra.run.dir=new/one")
    assert (said.code, said.err) == (0, "")
    assert (tmp_path / "new" / "one" / "summary.json").exists()


@pytest.mark.parametrize(
    ("arguments", "error"), [("steps=0", BadInput), ("stream=foo", MissingConfigException), ("model=linear", BadInput)]
)
def test_a_traceback_on_demand(
    arguments: str,
    error: type[Exception],
    command: Command,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(app.TRACEBACK, "1")
    with pytest.raises(error):
        command(arguments)
    assert "hl-run:" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("size", "line"),
    [("2", "without RANK, MASTER_ADDR, MASTER_PORT; allowed: a start by torchrun"), ("two", "WORLD_SIZE=two")],
)
def test_an_environment_that_torchrun_did_not_make(
    size: str, line: str, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("RANK", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WORLD_SIZE", size)
    said = command("steps=1")
    assert said.code == 1 and line in said.err and len(said.err.splitlines()) == 1
