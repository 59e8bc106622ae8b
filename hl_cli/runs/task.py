"""A task with a config of its own, from a config to files: what all of them share.

Results are written at the end. Until then there are the config and checkpoints, with which `resume=` goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import fill
from typing import Any, Protocol

import torch
from omegaconf import DictConfig

from hl_cli.config.tasks import Task
from hl_cli.config.unresolved import Hidden
from hl_cli.errors import BadInput
from hl_cli.parallel.world import World
from hl_cli.replicates.standing import BrokenOff, Standing
from hl_cli.reporting import console
from hl_cli.reporting.sections import Section
from hl_cli.reporting.summary import versions, write_json
from hl_cli.reporting.sums import add_sums, write_sums
from hl_cli.reporting.task_report import write_pages
from hl_cli.reporting.task_tables import aligned
from hl_cli.runs.config_files import write_config
from hl_cli.runs.finish import Outcome
from hl_cli.runs.folder import check_vacant, of_hydra
from hl_cli.runs.restart import alone
from hl_cli.runs.resume import Resumed
from hl_cli.runs.signals import Interruption
from hl_cli.runs.task_state import TaskState

INDENT = "  "


@dataclass(frozen=True)
class Done:
    """What came out, when tables and pictures are written.

    tables: names of the CSV files; table: header and rows for the console; read: how to read it; about: lines at the
    head of the page; sections: of the page; summary: the own part of summary.json; result: one line of it, for `ls`.
    """

    tables: tuple[str, ...]
    table: list[list[str]]
    read: str
    about: list[str]
    sections: list[Section]
    summary: dict[str, Any]
    result: str


@dataclass(frozen=True)
class Plan:
    """A dry run. files: what would be written, each with its size in words; seconds: how long it would take."""

    seconds: float
    files: dict[str, str] = field(default_factory=dict)


class Work(Protocol):
    """What is a task's own. It is made of a config, which it checks; BadInput says what the config cannot mean.

    title: of the page; opening: what is done, as lines.
    """

    title: str
    opening: list[str]

    def plan(self) -> Plan:
        """Time a part of it."""

    def run(self, standing: Standing) -> None:
        """All that takes time; no file is written but by `standing`, through which its steps go.

        What is not a step of it is done again when the task goes on, with the same bits.
        """

    def write(self, folder: Path) -> Done:
        """Tables and pictures."""


def perform(
    task: Task,
    cfg: DictConfig,
    folder: Path,
    hydra: DictConfig | None = None,
    command: str | None = None,
    stop: Interruption | None = None,
    world: World | None = None,
    resumed: Resumed | None = None,
) -> Outcome:
    """Work, and write what came out into an empty folder, or into that of the task that is gone on with.

    A signal ends it after the step in hand, with a checkpoint; one that comes while files are written waits.
    """
    make: Callable[[DictConfig], Work] = task.load()
    work = make(cfg)
    if world is not None and world.size > 1:
        raise BadInput(f"task={task.name} ({world.size} processes): allowed: one process, without torchrun")
    torch.set_num_threads(cfg.threads)
    with alone(folder):
        if resumed is None:
            check_vacant(folder, of_hydra(hydra, folder) if hydra else ())
        state = TaskState(cfg, folder, resumed)
        if cfg.dry_run:
            return _dry_run(work, folder)
        stop = stop or Interruption()
        with stop:
            standing = state.standing(stop)
            write_config(cfg, folder, hydra)
            console.say(f"\n{INDENT}".join(work.opening))
            if resumed:
                console.say(state.start.said())
            try:
                work.run(standing)
            except BrokenOff:
                return _stopped(task, standing, folder, stop)
            except BadInput:
                state.leave_nothing()
                raise
            command = str(Hidden(cfg)(command or f"hl-run task={task.name}"))
            summary = _finish(task, work, cfg, folder, command)
            if not summary["not_written"]:
                state.forget()
    return Outcome(summary, 128 + stop.received if stop.received else int(bool(summary["not_written"])))


def _stopped(task: Task, standing: Standing, folder: Path, stop: Interruption) -> Outcome:
    """Nothing was written but the checkpoint."""
    assert stop.received is not None
    name, where = stop.received.name, console.short(folder)
    console.say(f"{INDENT}stopped by {name} after step {standing.taken}; go on: hl-run resume={where}")
    summary = {"task": task.name, "interrupted": name, "steps": standing.taken, "not_written": {}}
    return Outcome(summary, 128 + stop.received)


def _dry_run(work: Work, folder: Path) -> Outcome:
    plan = work.plan()
    head, *others = work.opening
    width = max(map(len, plan.files))
    lines = [
        f"dry run, nothing written: {head}",
        *(f"{INDENT}{line}" for line in others),
        f"{INDENT}would write to {folder}",
        *(f"{INDENT * 2}{name:<{width}} {size}".rstrip() for name, size in plan.files.items()),
        f"{INDENT * 2}report.html, report.md, summary.json",
        f"{INDENT}time        about {plan.seconds:.0f} s",
    ]
    console.say("\n".join(lines))
    return Outcome({}, 0)


def _finish(task: Task, work: Work, cfg: DictConfig, folder: Path, command: str) -> dict[str, Any]:
    """All files; summary.json is the last."""
    done = work.write(folder)
    write_sums(folder, {})
    add_sums(folder, done.tables)
    read = fill(done.read, 116, initial_indent=INDENT, subsequent_indent=INDENT)
    console.say(f"{aligned(done.table)}\n{read}\n{INDENT}{console.short(folder)}")
    failed = write_pages(folder, work.title, done.about, done.sections, command)
    summary = {
        "task": task.name,
        **done.summary,
        "seed": cfg.seed,
        "threads": cfg.threads,
        "result": done.result,
        "interrupted": None,
        "command": command,
        "versions": versions(),
        "not_written": failed,
    }
    write_json(folder / "summary.json", summary)
    return summary
