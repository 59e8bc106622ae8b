"""The process that hands out the jobs of a sweep: what it checks before the first, and does after the last."""

from __future__ import annotations

import shlex
import shutil
from contextlib import ExitStack
from pathlib import Path

from omegaconf import DictConfig

from hl_cli.errors import BadInput
from hl_cli.parallel import called
from hl_cli.reporting.parts import Parts
from hl_cli.reporting.sweep_table import shown_by_arm, tally
from hl_cli.reporting.task_sweep import TASK
from hl_cli.reporting.task_tables import aligned
from hl_cli.studies.tables import PAGE
from hl_cli.sweeps.manifest import FILE, FINAL, LOCKS, Manifest, ManifestFile
from hl_cli.sweeps.pages import write_pages
from hl_cli.sweeps.plan import check_resume, is_study, plan_of

FILES = (FILE, "sweep.csv", "sweep.md", "study.csv", "study.md", "multirun.yaml")


class SweepCoordinator:
    """A sweep from its first job to its last; raises BadInput for a folder that it cannot take.

    Two sweeps never run in one folder at a time: a lock is held as long as this process lives.
    """

    def __init__(self, config: DictConfig, folder: Path) -> None:
        said = f"sweep.resume={config.sweep.resume}" if config.sweep.resume else f"hydra.sweep.dir={folder}"
        self.ledger = ManifestFile(folder)
        self.plan, self.study = plan_of(config, folder), is_study(config)
        if config.dry_run:
            raise BadInput("dry_run=true: allowed for one run alone; a sweep keeps a ledger of its jobs")
        if config.sweep.resume:
            check_resume(self.plan, said)
        elif folder.is_dir() and any(folder.iterdir()):
            resume = f"; sweep.resume={folder} goes on in it" if self.ledger.exists else ""
            raise BadInput(f"{said}: holds files of another run; allowed: a new or an empty folder{resume}")
        self._alone = ExitStack()
        try:
            self._alone.enter_context(self.ledger.lock("sweep", f"the sweep {folder}", wait=False))
        except BlockingIOError:
            raise BadInput(f"{said}: its sweep is still running; allowed: one that has ended or was killed") from None

    @property
    def has_folders(self) -> bool:
        """Whether any job has left something."""
        return self.ledger.exists and any(entry.folder for entry in self.ledger.read().jobs)

    def remove_files(self) -> None:
        """Remove what was written of a sweep in which no job ever ran."""
        for name in FILES:
            (self.ledger.folder / name).unlink(missing_ok=True)
        shutil.rmtree(self.ledger.folder / LOCKS, ignore_errors=True)

    @property
    def exit_code(self) -> int:
        """The largest of the jobs', 1 where all were skipped."""
        jobs = self.ledger.read().jobs if self.ledger.exists else []
        nothing = bool(jobs) and all(entry.status == "skipped" for entry in jobs)
        return max([int(nothing), *(entry.exit_code for entry in jobs)])

    def finish(self, parts: Parts) -> None:
        """Draw the grid, write the page, and let others go on in this folder; what fails of it is left to `parts`."""
        book = self.ledger.read() if self.ledger.exists else None
        if book:
            self._show(book, parts)
        self._alone.close()

    def _show(self, book: Manifest, parts: Parts) -> None:
        folder, rows = self.ledger.folder, book.rows()
        self.ledger.tell(book)
        write_pages(folder, rows, book.swept, book.fixed, shlex.join([*called(), "-m", *book.command]), parts)
        if self.study and (folder / PAGE).is_file():
            print((folder / PAGE).read_text())
        if any(TASK in row for row in rows):
            print(aligned(shown_by_arm(rows, book.swept)))
        print(f"sweep of {tally(rows)}: {folder / 'sweep.md'}, sweep.csv, sweep.html")
        ended = [folder / entry.folder for entry in book.jobs if entry.folder and entry.status in FINAL]
        if not all((job / "report.html").is_file() for job in ended):
            print(
                f"  report   {shlex.join([*called(), 'report', str(folder)])} makes the pictures and pages of its jobs"
            )
        if any(entry.status not in (*FINAL, "skipped") for entry in book.jobs):
            print(f"  go on    {shlex.join([*called(), f'sweep.resume={folder}'])}")
