"""What one process has to remember between Hydra's calls, and how it fails: in one line."""

from __future__ import annotations

import contextlib
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hl_cli.complaint import of_our_writing, one_line
from hl_cli.errors import cut
from hl_cli.reporting.parts import not_written
from hl_cli.resume import Resumed
from hl_cli.sweep.parent import Parent

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
        self.sweep: Parent | None = None
        self.resumed: Resumed | None = None
        self.hide: Callable[[Any], Any] = lambda text: text  # hl_cli.unresolved.Hidden, once there is a config

    def said(self, error: BaseException) -> str:
        """An error in one line, what came from the environment as it is written."""
        return str(self.hide(one_line(error)))

    def expect_folder(self, field: str, folder: Path) -> None:
        """Note which of the folder and its parents are not there yet: those are ours to remove again."""
        self.folder = f"{field}={folder}"
        self.missing = [path for path in (folder, *folder.parents) if not path.exists()]

    def remove_made_folders(self) -> None:
        """Remove what Hydra made for a run that never was; a folder with anything else in it stays."""
        with contextlib.suppress(OSError):
            if self.sweep and self.missing:
                self.sweep.remove_files()
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


session = Session()
