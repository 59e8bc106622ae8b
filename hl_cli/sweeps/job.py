"""The turn of one job in its sweep: whether it is to be run at all, and what is written of its end."""

from __future__ import annotations

import contextlib
import math
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from hl_cli.config.unresolved import as_written
from hl_cli.reporting.parts import not_written
from hl_cli.reporting.sweep_table import scores_of
from hl_cli.runs.resume import Resumed
from hl_cli.sweeps.identity import config_hash
from hl_cli.sweeps.manifest import FINAL, JobRecord, ManifestFile
from hl_cli.sweeps.plan import choices_of

SUMMARY = "summary.json"
BEGUN, STOPPED = "begun, not finished", "stopped by"


def held_out(summary: dict[str, Any]) -> float | None:
    """The held-out loss of the arm that a run is about, which a sweeper may minimise; None for a task, which has none.

    summary: of the run.
    """
    value: float | None = summary.get(summary.get("primary", ""), {}).get("held_out_loss")
    return value


class SweepJob:
    """One job, while this process alone may run it."""

    def __init__(self, cfg: DictConfig, hydra: Any) -> None:
        self.folder = Path(hydra.runtime.output_dir)
        self.ledger = ManifestFile(Path(hydra.sweep.dir).absolute())
        self.hash = config_hash(cfg)
        self.overrides = as_written(hydra.overrides.task)
        self.choices: dict[str, str] = {}
        self.number, self.final = -1, False
        self.value: float | None = None
        self.resumed: Resumed | None = None

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Wait for another process that runs the same job, then see whether there is anything left to do.

        A job that was broken off goes on from its checkpoint. Else what it left is removed, and it begins anew; the
        bits are the same in either case.
        """
        from hl_cli.reporting.checkpoints import saved  # with torch, which the parent of a sweep may never need

        with self.ledger.lock(self.hash, f"the job {self.folder}"):
            with self.ledger.change() as book:
                self.choices = choices_of(self.overrides, book.swept)
                entry = book.find(self.hash, self.choices)
                self.number, self.value, left = entry.job, entry.value, entry.folder
                broken_off = entry.error == BEGUN or entry.error.startswith(STOPPED)
                self.final = entry.status in FINAL and (self.ledger.folder / left / SUMMARY).is_file()
                if self.final and entry.status == "diverged":
                    self.value = math.inf
                if not self.final:
                    entry.config_hash, entry.folder = self.hash, self._name()
                    entry.status, entry.error, entry.exit_code, entry.scores = "missing", BEGUN, 0, {}
            if self.final and left != self._name():
                self.leave_nothing()
            elif broken_off and left == self._name() and saved(self.folder):
                self.resumed = Resumed(self.folder)
            elif not self.final and left:
                self._clear(self.ledger.folder / left)
            yield

    def _name(self) -> str:
        return os.path.relpath(self.folder, self.ledger.folder)

    def _clear(self, left: Path) -> None:
        """Remove what this job itself left when it was killed; never the sweep's own folder, nor one outside it."""
        if self.ledger.folder.resolve() in left.resolve().parents:
            shutil.rmtree(left, ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)

    def leave_nothing(self) -> None:
        """Remove the folder that Hydra made, if nothing is in it."""
        with contextlib.suppress(OSError):
            self.folder.rmdir()

    def done(self, summary: dict[str, Any], exit_code: int) -> float | None:
        """Write what came out of the run; return what a sweeper may minimise."""
        stopped = summary["interrupted"]
        diverged = summary.get("verdict") == "diverged"
        self.value = math.inf if diverged else held_out(summary)
        with self._entry() as entry:
            entry.status = "failed" if stopped else "diverged" if diverged else "done"
            entry.error = f"{STOPPED} {stopped} after step {summary['steps']}" if stopped else ""
            if diverged and not stopped:
                entry.error = summary["reason"]
            if summary["not_written"]:
                entry.error = "; ".join(
                    filter(None, (entry.error, f"not written: {not_written(summary['not_written'])}"))
                )
            entry.exit_code, entry.scores = exit_code, scores_of(summary)
            entry.value = self.value if self.value is not None and math.isfinite(self.value) else None
            good = entry.status == "done"
        if summary.get("report") == "none":
            return self.value
        from hl_cli.reporting.sweep_hparams import write_hparams

        write_hparams(self.folder / "tensorboard" / "hparams", self.choices, scores_of(summary), good)
        return self.value

    def failed(self, status: str, line: str, exit_code: int) -> None:
        """Write why there is nothing."""
        self.leave_nothing()
        with self._entry() as entry:
            entry.status, entry.error, entry.exit_code = status, line, exit_code
            if not self.folder.exists():
                entry.folder = ""

    @contextmanager
    def _entry(self) -> Iterator[JobRecord]:
        with self.ledger.change() as book:
            yield book.find(self.hash, self.choices)
