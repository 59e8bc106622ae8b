"""Which config a command asks for: that of a side-by-side run, or of a task with a config of its own.

hl-run task=minimise function=quartic       the task is named
hl-run experiment=minimise                  the file of the experiment names it
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import yaml
from omegaconf import DictConfig

from hl_cli.config import registry, validation
from hl_cli.config.tasks import GROUPS, TASKS
from hl_cli.errors import BadInput

RUN = "run"
EVERYWHERE = ("experiment", "paths")
"""Choices that every config has."""


def task_of(arguments: Sequence[str]) -> str | None:
    """The task that is named, or that the experiment names; None for a side-by-side run."""
    said = _pairs(arguments)
    return said.get("task", _of_experiment(said.get("experiment", "")))


def config_of(arguments: Sequence[str]) -> str:
    """The name of a file in configs/; raises BadInput for a task that there is not, and for what a task has not."""
    said, name = _pairs(arguments), task_of(arguments)
    if name is None:
        alien = next((key for key in said if key in GROUPS), None)
        if alien:
            beside = " or ".join(f"task={task.name}" for task in TASKS.values() if alien in task.groups)
            raise BadInput(f"{alien}={said[alien]}: allowed beside {beside}")
        return RUN
    if "," in name:
        raise BadInput(f"task={name}: allowed: one task; a sweep of each is a command of its own")
    if name not in TASKS:
        raise BadInput(f"task={name}: allowed: {', '.join(TASKS)}; without task= arms are trained side by side")
    task = TASKS[name]
    known = {*validation.CHOICES, *GROUPS} - {*task.groups, *EVERYWHERE}
    alien = next((key for key in said if key.partition("@")[0].lstrip("+~") in known), None)
    if alien:
        allowed = ", ".join(f"{group}=" for group in (*task.groups, "experiment"))
        raise BadInput(f"{alien}={said[alien]} (task={name}): {task.instead}; allowed: {allowed}")
    return name


def start_of(cfg: DictConfig) -> Callable[..., Any]:
    """What runs a config."""
    if "task" in cfg:
        from hl_cli.runs.task import perform

        return partial(perform, TASKS[cfg.task])
    from hl_cli.runs.run import run

    return run


def _pairs(arguments: Sequence[str]) -> dict[str, str]:
    return {key: value for key, _, value in (argument.partition("=") for argument in arguments)}


def _of_experiment(name: str) -> str | None:
    """The task that an experiment names, which is the last of several; BadInput for a sweep over those of several."""
    names = [one.strip() for one in name.split(",")] if "[" not in name else [name.strip("[]").rpartition(",")[2]]
    found = {one: _named(one.strip() or "none") for one in names}
    if len(set(found.values())) > 1:
        said = ", ".join(f"{one} is of {f'task={task}' if task else 'a run'}" for one, task in found.items())
        raise BadInput(f"experiment={name}: {said}; allowed: experiments of one task in a sweep")
    return next(iter(found.values()))


def _named(experiment: str) -> str | None:
    file = registry.preset("experiment", experiment)
    found: str | None = yaml.safe_load(file.read_text()).get("task") if file.is_file() else None
    return found
