"""Whose an OSError is: the run's folder is named for errors of our own writing alone."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from hl_cli.cli.session import Session
from hl_cli.config.messages import format_error, of_our_writing
from hl_cli.errors import BadSample
from hl_cli.reporting import tables
from hl_cli.runs import state
from hl_cli.runs.run import run
from tests.broken_off import OFTEN, Configured
from tests.material import Coin


class Remote(Coin):
    """Reads over a network that fails after some samples."""

    def __next__(self) -> Any:
        if self.given == 20:
            raise ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")
        return super().__next__()


ASKED: list[int] = []  # no attribute of the net, which would be kept in checkpoints


class Asking(torch.nn.Sequential):
    """A net that asks another machine, which goes away after some steps."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        ASKED.append(len(x))
        if len(ASKED) > 30:
            raise ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")
        return super().forward(x)


def asking(features: int, ticks: int, outputs: int, every: bool) -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.Flatten(), Asking(torch.nn.Linear(features * ticks, outputs)))


LOST = {
    "stream": ("stream=plugin", f"stream.factory={__name__}:Remote"),
    "net": ("model=module", f"model.factory={__name__}:asking", "split=output"),
}


def failure(action: Callable[[], object]) -> Exception:
    with pytest.raises((OSError, BadSample)) as caught:
        action()
    return caught.value


def said(error: Exception, capsys: pytest.CaptureFixture[str]) -> str:
    session = Session()
    session.folder, session.show_traceback = "hydra.run.dir=there", False
    capsys.readouterr()
    session.fail(error)
    return capsys.readouterr().err


@pytest.mark.parametrize("who", LOST)
def test_a_connection_that_was_lost(
    who: str, configured: Configured, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cfg = configured(*OFTEN, *LOST[who])
    line = said(failure(lambda: run(cfg, tmp_path)), capsys)
    assert line.count("\n") == 1
    assert "Connection reset by peer" in line
    assert ("step 21" if who == "stream" else Path(__file__).name) in line
    assert "hydra.run.dir" not in line and "allowed: a folder" not in line


def test_a_disk_that_is_full(
    configured: Configured, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cfg = configured(*OFTEN)
    monkeypatch.setattr(
        tables, "settle", lambda file: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left on device"))
    )
    line = said(failure(lambda: run(cfg, tmp_path)), capsys)
    assert line == (
        "hl-run: hydra.run.dir=there: No space left on device; allowed: a folder that can be made and written; "
        "what was written is kept\n"
    )


def test_a_folder_that_cannot_be_made(capsys: pytest.CaptureFixture[str]) -> None:
    error = failure(lambda: Path("/proc/none").mkdir())
    assert of_our_writing(error)
    assert "hydra.run.dir=there" in said(error, capsys) and "allowed: a folder" in format_error(error)


@pytest.mark.parametrize("behind", [False, True])
def test_too_many_open_files_are_no_property_of_a_stream(build: Callable[..., Any], behind: bool) -> None:
    built = build("stream=plugin", "stream.factory=tests.material:Coin")
    assert state.why_never(built) == ""

    def state_dict() -> dict[str, Any]:
        try:
            raise OSError(errno.EMFILE, "Too many open files")
        except OSError as error:
            if behind:
                raise RuntimeError("no state") from error
            raise

    built.stream.state_dict = state_dict
    with pytest.raises(RuntimeError if behind else OSError):
        state.why_never(built)
    built.stream.state_dict = lambda: {"random": object()}
    assert state.why_never(built) != ""
    built.stream.state_dict = lambda: {"tensor": torch.zeros(1)}
    assert state.why_never(built) == ""
