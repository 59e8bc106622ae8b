"""Where a run that was left goes on: its checkpoint, and a folder without what was written after it."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from hl_cli import standing
from hl_cli.errors import BadInput
from hl_cli.reporting import checkpoints, tensorboard
from hl_cli.resume import APART, CONFIG, FREE
from hl_cli.unresolved import Hidden


@dataclass(frozen=True)
class Start:
    """Where a run begins again: file and content of a checkpoint, or None for the start; warning: or nothing."""

    file: Path | None = None
    state: dict[str, Any] | None = None
    warning: str = ""

    def said(self) -> str:
        """Where that is, for the console."""
        if self.file is None or self.state is None:
            return "  resumed   from the start: there is no checkpoint"
        where = f"  resumed   after step {self.state['rest']['step']}, from {self.file.parent.name}/{self.file.name}"
        return f"{where}\n  warning   {self.warning}" if self.warning else where


def find(cfg: DictConfig, folder: Path, named: Path | None = None) -> Start:
    """The latest checkpoint of a run, or the one that is named; raises BadInput for one that cannot be gone on from."""
    own: Any = OmegaConf.load(folder / CONFIG / "config.yaml")
    before = Hidden(own)(standing.plain(own))
    standing.differing(before, cfg, str(folder), (*FREE, *APART))
    files = checkpoints.saved(folder)
    if named:
        files = [file for file in files if checkpoints.step_of(file) <= checkpoints.step_of(named)]
    if cfg.steps > before["steps"]:
        files = [file for file in files if not checkpoints.is_end(file)]  # the last step is looked at, as no other
    if not files:
        return Start()
    try:
        state = checkpoints.read(files[0])
        return Start(files[0], state, standing.check(state, cfg, folder, (*FREE, *APART)))
    except BadInput as error:
        older = f"the older one: hl-run resume={files[1]}" if files[1:] else "there is no older one"
        said = str(error) if str(files[0]) in str(error) else f"{files[0]}: {error}"
        raise BadInput(f"{said}; {older}") from error


def clear(folder: Path, start: Start) -> None:
    """Remove what a run has written after the place where it begins again; files that grow are cut when opened."""
    (folder / "summary.json").unlink(missing_ok=True)  # first: with it a run counts as finished
    kept = [] if start.file is None else checkpoints.saved(folder)
    kept = kept[kept.index(start.file) :] if start.file in kept else []
    growing = set(standing.files_of(start.state)) if start.state else set()
    for file in (folder / checkpoints.FOLDER).glob("*"):
        if file not in kept and (checkpoints.step_of(file) >= 0 or file.suffix == ".tmp"):
            file.unlink()
    for file in (folder / tensorboard.FOLDER).rglob("events.out.tfevents.*"):
        if str(file.relative_to(folder)) not in growing:
            file.unlink()


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold a folder; raises BadInput while another process does. The hold ends with the process, however it ends."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(opened)
        raise BadInput(f"{folder}: a run is still going on there") from None
    except OSError:  # a file system that knows no locks
        pass
    try:
        yield
    finally:
        os.close(opened)
