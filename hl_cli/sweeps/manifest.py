"""sweep.json: the jobs of a sweep and what became of each. Every other file of a sweep is made from it.

Jobs may run in several processes at once. Each change is made under a lock, by reading the file, changing it and
replacing it whole, and the tables are written before the lock is given back: at any moment, after any kill, all of
them are complete, and the ledger is never behind them. In a sweep of many jobs not every change writes tables, which
have a row for each: it would take longer than a small job.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hl_cli.config.renamed import renewed, renewed_all, renewed_config
from hl_cli.errors import BadInput
from hl_cli.reporting.own_files import check_inside, open_own
from hl_cli.reporting.sealed import sealed, unsealed
from hl_cli.reporting.sweep_table import arms_of, write_tables
from hl_cli.reporting.whole import write_whole
from hl_cli.studies.tables import write_study
from hl_cli.sweeps.lock import held

FILE, LOCKS = "sweep.json", ".locks"
FORMAT = 1
EACH, SHARE = 32, 16  # jobs that have ended until tables are no longer written each time; then a 16th more of them
FINAL = ("done", "diverged")  # what is not run again


@dataclass
class JobRecord:
    """A job of a sweep.

    status: done, diverged, failed (an error, or stopped), skipped (a combination without meaning), missing (not yet
    run, or not finished); error: one line; folder: its name within the sweep's; value: what a sweeper minimises;
    scores: the numbers of the table.
    """

    job: int
    choices: dict[str, str]
    status: str = "missing"
    error: str = ""
    exit_code: int = 0
    folder: str = ""
    config_hash: str = ""
    value: float | None = None
    scores: dict[str, Any] = field(default_factory=dict)


@dataclass
class Manifest:
    """What the ledger says: the config without the swept choices, the swept keys, the command, the jobs."""

    base: dict[str, Any]
    swept: list[str]
    command: list[str]
    jobs: list[JobRecord] = field(default_factory=list)

    def find(self, config_hash: str, choices: dict[str, str]) -> JobRecord:
        """The job of this config; a new one where it was not planned."""
        same = [entry for entry in self.jobs if entry.config_hash == config_hash]
        planned = [entry for entry in self.jobs if not entry.config_hash and entry.choices == choices]
        if same:
            self.jobs = [entry for entry in self.jobs if entry not in planned]  # another name of the same job
            same[0].choices |= choices
            self.swept = list(dict.fromkeys((*self.swept, *choices)))
            return same[0]
        return planned[0] if planned else self.add(choices)

    def add(self, choices: dict[str, str]) -> JobRecord:
        """A new job at the end."""
        self.swept = list(dict.fromkeys((*self.swept, *choices)))
        entry = JobRecord(1 + max((entry.job for entry in self.jobs), default=-1), choices)
        self.jobs.append(entry)
        return entry

    def renewed(self) -> Manifest:
        """The same with the names of now, where it was written with others."""
        for entry in self.jobs:
            said = (renewed(f"{key}={value}").partition("=") for key, value in entry.choices.items())
            entry.choices = {key: value for key, _, value in said}
        swept, command = renewed_all(self.swept), renewed_all(self.command)
        return Manifest(renewed_config(self.base), swept, command, self.jobs)

    @property
    def ended(self) -> int:
        """How many jobs have."""
        return sum(entry.status != "missing" for entry in self.jobs)

    @property
    def show(self) -> list[str]:
        """The scores that study.md is to show; none: all."""
        study = self.base.get("study")
        return list(study.get("show") or ()) if isinstance(study, dict) else []

    @property
    def fixed(self) -> dict[str, str]:
        """Model and stream of all jobs, where they are not swept."""
        if "experiment" in self.swept:  # it may choose either
            return {}
        return {key: self._usual(key) for key in ("model", "stream") if key not in self.swept}

    def _usual(self, key: str) -> str:
        """What a job has where its own command did not sweep this key."""
        value: Any = self.base
        for part in key.rpartition("@")[2].split("."):
            value = value.get(part) if isinstance(value, dict) else None
        return str(value.get("name", "") if isinstance(value, dict) else "" if value is None else value)

    def rows(self) -> list[dict[str, Any]]:
        """The rows of the table, one a job."""
        task = {"task": str(self.base["task"])} if "task" in self.base else {}
        return [
            {
                "job": entry.job,
                **task,
                **{key: entry.choices.get(key, self._usual(key)) for key in self.swept},
                **entry.scores,
                "folder": entry.folder,
                "status": entry.status,
                "error": entry.error,
                "config_hash": entry.config_hash,
            }
            for entry in self.jobs
        ]


def _check(jobs: list[JobRecord], base: Any, swept: Any, command: Any) -> None:
    """Raise ValueError for a value of another type than it was written with."""
    if not isinstance(base, dict) or not _texts(swept) or not _texts(command):
        raise ValueError("base, swept or command of another type")
    for entry in jobs:
        kinds = (entry.job, int), (entry.choices, dict), (entry.exit_code, int), (entry.scores, dict)
        texts = (entry.status, entry.error, entry.folder, entry.config_hash, *entry.choices, *entry.choices.values())
        if not all(isinstance(value, kind) for value, kind in kinds) or not _texts([*texts]):
            raise ValueError(f"job {entry.job}: a value of another type")
        if not all(isinstance(value, float | int | str | None) for value in (entry.value, *entry.scores.values())):
            raise ValueError(f"job {entry.job}: a score of another type")


def _texts(values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)


class ManifestFile:
    """The ledger of the sweep in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def exists(self) -> bool:
        """Whether the folder is that of a sweep."""
        return (self.folder / FILE).is_file()

    def read(self) -> Manifest:
        """What it says; raises BadInput for a file that is none of ours."""
        try:
            with open_own(self.folder / FILE) as file:
                said = unsealed(file.read())
            if said.pop("format") != FORMAT:
                raise ValueError("another format")
            jobs = [JobRecord(**entry) for entry in said.pop("jobs")]
            _check(jobs, **said)
            for entry in jobs:
                check_inside(entry.folder, f"{self.folder / FILE}: job {entry.job}: folder")
            return Manifest(**said, jobs=jobs).renewed()
        except BadInput:
            raise
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise BadInput(f"{self.folder / FILE}: cannot be read as the ledger of a sweep ({error})") from error

    @contextmanager
    def change(self, new: Manifest | None = None) -> Iterator[Manifest]:
        """The book, to be changed by this process alone; written, with the tables, at the end. new: where it begins."""
        with self.lock("ledger", f"{self.folder / FILE}"):
            book = self.read() if self.exists or new is None else new
            before = book.ended
            yield book
            said = {"format": FORMAT, **vars(book), "jobs": [vars(entry) for entry in book.jobs]}
            write_whole(self.folder / FILE, sealed(said, indent=1).encode())
            ended = new is not None or book.ended != before
            if book.ended < EACH or (ended and book.ended % (book.ended // SHARE) == 0):
                self.tell(book, ended)

    def tell(self, book: Manifest, ended: bool = True) -> None:
        """Write the tables; ended: whether any job has since, else those of the study stay as they are."""
        rows = book.rows()
        write_tables(self.folder, rows, book.swept)
        if ended:
            write_study(self.folder, rows, book.swept, arms_of(rows), book.show)

    def lock(self, name: str, what: str, wait: bool = True) -> AbstractContextManager[None]:
        """A lock of this sweep, as `hl_cli.sweeps.lock.held`; what: it is for."""
        return held(self.folder / LOCKS / name, what, wait)
