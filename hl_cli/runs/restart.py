"""Where a run that was left goes on: its checkpoint, and a folder without what was written after it."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from hl_cli.config.unresolved import Hidden
from hl_cli.errors import BadInput
from hl_cli.reporting import checkpoints, own_files, sums, tensorboard
from hl_cli.runs import same_run
from hl_cli.runs.provenance import MadeWith, changes
from hl_cli.runs.resume import APART, CONFIG, FREE, Resumed

Check = Callable[[dict[str, Any], DictConfig, Path, tuple[str, ...]], None]
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL)  # of file systems without


@dataclass(frozen=True)
class Start:
    """Where a run begins again: file and content of a checkpoint, or None for the start.

    resumed: each time that the run was resumed, this one last: after which step, and with what that had changed.
    """

    file: Path | None = None
    state: dict[str, Any] | None = None
    resumed: tuple[dict[str, Any], ...] = ()

    def said(self) -> str:
        """Where that is, for the console."""
        if self.file is None or self.state is None:
            return "  resumed   from the start: there is no checkpoint"
        if not self.resumed:
            return "  report    of its end"
        step, changed = self.resumed[-1]["step"], ", ".join(self.resumed[-1]["with"])
        where = f"  resumed   after step {step}, from {self.file.parent.name}/{self.file.name}"
        return f"{where}\n  warning   with {changed}: the bits may be others" if changed else where


def find(cfg: DictConfig, resumed: Resumed, made_with: MadeWith, check: Check = same_run.check) -> Start:
    """The latest checkpoint of a run, or the one that is named; raises BadInput for one that cannot be gone on from.

    check: raises BadInput where a checkpoint is of another run.
    """
    folder = resumed.folder
    own_files.check_own(folder)
    own: Any = OmegaConf.load(folder / CONFIG / "config.yaml")
    before = Hidden(own)(same_run.plain(own))
    whose = f"{folder / CONFIG / 'config.yaml'}, beside it overrides.yaml, of which this one is made"
    same_run.differing(before, cfg, whose, (*resumed.free, *APART))
    files = checkpoints.saved(folder)
    if resumed.named:
        files = [file for file in files if checkpoints.step_of(file) <= checkpoints.step_of(resumed.named)]
    if cfg.get("steps") != before.get("steps"):  # more of them
        files = [file for file in files if not checkpoints.is_end(file)]  # the last step is looked at, as no other
    if not files:
        return Start()
    older = f"the older one: hl-run resume={files[1]}" if files[1:] else "there is no older one"
    with same_run.naming(files[0], f"; {older}"):
        state = checkpoints.read(files[0])
        check(state, cfg, folder, (*FREE, *APART))
        before_this = [{"step": one["step"], "with": list(one["with"])} for one in state["resumed"]]
        this = {"step": state["rest"]["step"], "with": changes(state["made_with"], made_with)}
        return Start(files[0], state, (*before_this, this))


def clear(folder: Path, start: Start) -> None:
    """Remove what a run has written after the place where it begins again; files that grow are cut when opened."""
    clear_checkpoints(folder, start)
    growing = set(same_run.files_of(start.state)) if start.state else set()
    for file in (folder / tensorboard.FOLDER).rglob("events.out.tfevents.*"):
        if str(file.relative_to(folder)) not in growing:
            file.unlink()


def clear_checkpoints(folder: Path, start: Start) -> None:
    """Remove what says that a run has finished, and its checkpoints after the place where it begins again."""
    (folder / "summary.json").unlink(missing_ok=True)  # first: with it a run counts as finished
    (folder / sums.FILE).unlink(missing_ok=True)
    kept = [] if start.file is None else checkpoints.saved(folder)
    kept = kept[kept.index(start.file) :] if start.file in kept else []
    for file in (folder / checkpoints.FOLDER).glob("*"):
        if file not in kept and (checkpoints.step_of(file) >= 0 or file.suffix == ".tmp"):
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
    except OSError as error:
        if error.errno not in NO_LOCKS:
            os.close(opened)
            raise
    try:
        yield
    finally:
        os.close(opened)
