"""What one process has to remember between Hydra's calls, and how it fails: in one line."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from omegaconf import DictConfig

from hl_cli.config.messages import format_error, of_our_writing
from hl_cli.errors import BadInput, cut
from hl_cli.reporting.parts import not_written
from hl_cli.runs import folder as folders
from hl_cli.runs.resume import Resumed
from hl_cli.sweeps.coordinator import SweepCoordinator
from hl_cli.sweeps.plan import Plan

TRACEBACK = "HYDRA_FULL_ERROR"


class Session:
    """What one process has to remember between Hydra's calls: exit codes, and folders that Hydra made."""

    def __init__(self) -> None:
        self.exit_code = 0
        self.show_traceback = os.environ.get(TRACEBACK, "0") not in ("", "0")
        self.jobs = 0
        self.folder = ""
        self.world: Any = None
        self.missing: list[Path] = []
        self.of_hydra: tuple[Path, set[str]] = Path(), set()
        self.sweep: SweepCoordinator | None = None
        self.resumed: Resumed | None = None
        self.hide: Callable[[Any], Any] = lambda text: text  # hl_cli.config.unresolved.Hidden, once there is a config

    def said(self, error: BaseException) -> str:
        """An error in one line, what came from the environment as it is written."""
        return str(self.hide(format_error(error)))

    def expect_folder(self, field: str, folder: Path) -> None:
        """Note which of the folder and its parents are not there yet: those are ours to remove again."""
        self.folder = f"{field}={folder}"
        self.missing = [path for path in (folder, *folder.parents) if not path.exists()]

    def begin_run(self, folder: Path) -> None:
        """Before Hydra makes or fills the folder of a single run; one that holds another's files is refused."""
        self.expect_folder("hydra.run.dir", folder)
        try:
            if self.resumed is None:
                folders.check_vacant(folder)
        except (BadInput, OSError) as error:
            self.refuse(error)

    def begin_sweep(self, config: DictConfig) -> Plan:
        """Before Hydra makes the folder of a sweep; what can be refused is refused now, with whatever error."""
        folder = Path(config.hydra.sweep.dir).absolute()
        self.expect_folder("hydra.sweep.dir", folder)
        try:
            self.sweep = SweepCoordinator(config, folder)
        except Exception as error:
            self.refuse(error)
        return self.sweep.plan

    def begin_job(self, hydra: Any) -> None:
        """Note what Hydra itself has made in the folder of a run that is none of a sweep: ours to remove again, too."""
        if self.sweep is None and self.resumed is None:
            folder = Path(hydra.runtime.output_dir)
            self.of_hydra = folder, folders.of_hydra(hydra, folder)

    def remove_made_folders(self) -> None:
        """Remove what Hydra made for a run that never was; a folder with anything else in it stays."""
        with contextlib.suppress(OSError):
            if self.sweep and self.missing:
                self.sweep.remove_files()
            folders.remove(*self.of_hydra)
            for path in self.missing:
                path.rmdir()

    def fail(self, error: Exception, where: str = "") -> None:
        """Say it in one line and remember exit code 1."""
        if self.show_traceback:
            raise error
        if of_our_writing(error) and self.folder:
            where += f"{self.folder}: "
        print(f"hl-run: {self.hide(cut(where))}{self.said(error)}", file=sys.stderr)
        self.exit_code = max(self.exit_code, 1)

    def fail_in_part(self, errors: dict[str, Exception], where: str) -> None:
        """Name what of a report failed, in one line, and remember exit code 1."""
        if not errors:
            return
        if self.show_traceback:
            for error in errors.values():
                traceback.print_exception(error)
        said = not_written({name: self.said(error) for name, error in errors.items()})
        print(f"hl-run: {self.hide(cut(where))}not written: {said}; everything else is there", file=sys.stderr)
        self.exit_code = max(self.exit_code, 1)

    def refuse(self, error: Exception) -> NoReturn:
        """Fail before anything is made; Hydra lets a callback's SystemExit through, and nothing else."""
        if self.show_traceback:
            traceback.print_exception(error)
        else:
            self.fail(error)
        sys.exit(1)


session = Session()
