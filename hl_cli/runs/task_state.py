"""Checkpoints of a task: where it stands, in the files that a side-by-side run has, whole and with a check sum."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from hl_cli.config.unresolved import Hidden
from hl_cli.replicates.standing import Standing
from hl_cli.reporting.checkpoints import FOLDER, Checkpoints
from hl_cli.runs.provenance import made_with
from hl_cli.runs.restart import Start, clear_checkpoints, find
from hl_cli.runs.resume import CONFIG, Resumed
from hl_cli.runs.same_run import check_config, plain

KEPT = 2  # checkpoints that stay: a damaged one leaves the one before it


class TaskState:
    """The checkpoints of a task in its folder.

    start: where it begins. Raises BadInput for a folder that holds another task's.
    """

    def __init__(self, cfg: DictConfig, folder: Path, resumed: Resumed | None) -> None:
        self._cfg, self._folder, self._made = cfg, folder, made_with(cfg, _files(cfg))
        self.start = find(cfg, resumed, self._made, _check) if resumed else Start()

    def standing(self, stop: Callable[[], bool]) -> Standing:
        """Where the task stands; from here on it saves itself. What was written after that place is removed."""
        state = self.start.state
        clear_checkpoints(self._folder, self.start)
        files = Checkpoints(self._folder, self._cfg.checkpoint_every, KEPT, state["rest"]["step"] if state else 0)
        hide = Hidden(self._cfg)
        about = {
            "config": hide(plain(self._cfg)),
            "environment": hide.digests(),
            "made_with": self._made,
            "resumed": list(self.start.resumed),
        }

        def save(of: Standing) -> None:
            files.save(of.taken, {**about, "rest": {"step": of.taken}, "standing": of.state_dict()})

        found = Standing(files.due, save, stop)
        if state:
            found.load_state_dict(state["standing"])
        return found

    def forget(self) -> None:
        """Remove them: the task has ended."""
        shutil.rmtree(self._folder / FOLDER, ignore_errors=True)

    def leave_nothing(self) -> None:
        """Remove all that was written: the task cannot be done."""
        self.forget()
        shutil.rmtree(self._folder / CONFIG, ignore_errors=True)


def _check(state: dict[str, Any], cfg: DictConfig, folder: Path, free: tuple[str, ...]) -> None:
    check_config(state, cfg, free)


def _files(cfg: DictConfig) -> Iterator[Path]:
    """What a task reads: wherever the config has a path."""
    for key, part in cfg.items():
        path = part.get("path") if key != "paths" and OmegaConf.is_dict(part) else None
        if isinstance(path, str):
            yield Path(path)
