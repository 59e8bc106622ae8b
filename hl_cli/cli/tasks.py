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
    if name not in TASKS:
        raise BadInput(f"task={name}: allowed: {', '.join(TASKS)}; without task= arms are trained side by side")
    task = TASKS[name]
    for flag in ("-m", "--multirun", "hydra.mode=MULTIRUN"):
        if flag in arguments:
            raise BadInput(f"{flag} (task={name}): it has no sweeps; allowed: {task.at_once}")
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
    """The task that an experiment names, which is the last of several."""
    file = registry.preset("experiment", name.strip("[]").rpartition(",")[2].strip() or "none")
    found: str | None = yaml.safe_load(file.read_text()).get("task") if file.is_file() else None
    return found
