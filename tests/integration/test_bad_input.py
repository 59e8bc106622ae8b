"""Bad input is refused in one line that names the field, with exit code 1, and nothing is left behind."""

from __future__ import annotations

import logging
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from hydra.core.global_hydra import GlobalHydra
from hydra.errors import MissingConfigException

from hl_cli import cli
from hl_cli.cli import app
from hl_cli.cli.session import Session
from hl_cli.errors import BadInput
from tests.bad_arguments import BAD
from tests.covering import one_in


class Said(NamedTuple):
    """What the command left of itself."""

    code: object
    out: str
    err: str


Command = Callable[[str], Said]


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    """Hydra configures the root logger, and leaves it so."""
    root = logging.root
    handlers, level = [*root.handlers], root.level
    yield
    for handler in [*root.handlers]:
        if handler not in handlers:
            root.removeHandler(handler)
            handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], logging_as_before: None
) -> Command:
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


@one_in(5)
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


@pytest.mark.parametrize("dry", [False, True])
def test_files_that_hydra_makes_are_no_other_runs(
    dry: bool, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, asked = content(tmp_path), "hydra/job_logging=default hydra.output_subdir=.hydra hydra.run.dir=new steps=1"
    said = command(f"{asked} dry_run={dry}")
    assert (said.code, said.err) == (0, "")
    if dry:
        assert content(tmp_path) == before
        return
    assert (tmp_path / "new" / "summary.json").exists() and (tmp_path / "new" / ".hydra" / "hydra.yaml").exists()
    before = content(tmp_path)
    monkeypatch.setenv(app.TRACEBACK, "0")
    assert "holds files of another run" in command(asked).err  # before Hydra could write over its files
    monkeypatch.setenv(app.TRACEBACK, "1")
    said = command(asked)
    assert said.code == 1 and said.err.startswith("Traceback") and "holds files of another run" in said.err
    assert content(tmp_path) == before


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
