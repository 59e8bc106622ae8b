"""Which config a command asks for: that of a side-by-side run, or of a task with a config of its own.

hl-run task=minimise function=quartic       the task is named
hl-run experiment=minimise                  the file of the experiment names it
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import yaml
from omegaconf import DictConfig

from hl_cli.config import registry, validation
from hl_cli.errors import BadInput

RUN, TASKS = "run", ("minimise",)
ALIEN = {*validation.CHOICES} - {"experiment", "paths"}
"""Choices of a side-by-side run alone."""


def config_of(arguments: Sequence[str]) -> str:
    """The name of a file in configs/; raises BadInput for a task that there is not, and for what a task has not."""
    said = {key: value for key, _, value in (argument.partition("=") for argument in arguments)}
    task = said.get("task", _of_experiment(said.get("experiment", "")))
    if task is None:
        alien = next((key for key in said if key in validation.OF_MINIMISE), None)
        if alien:
            raise BadInput(f"{alien}={said[alien]}: allowed beside task=minimise")
        return RUN
    if task not in TASKS:
        raise BadInput(f"task={task}: allowed: {', '.join(TASKS)}; without task= arms are trained side by side")
    for flag in ("-m", "--multirun", "hydra.mode=MULTIRUN"):
        if flag in arguments:
            raise BadInput(f"{flag} (task={task}): it has no sweeps; allowed: one function at a time")
    alien = next((key for key in said if key.partition("@")[0].lstrip("+~") in ALIEN), None)
    if alien:
        raise BadInput(f"{alien}={said[alien]} (task={task}): no net is trained there; allowed: function=, experiment=")
    return task


def start_of(cfg: DictConfig) -> Callable[..., Any]:
    """What runs a config."""
    if "task" in cfg:
        from hl_cli.runs.minimise import minimise

        return minimise
    from hl_cli.runs.run import run

    return run


def _of_experiment(name: str) -> str | None:
    """The task that an experiment names, which is the last of several."""
    file = registry.preset("experiment", name.strip("[]").rpartition(",")[2].strip() or "none")
    found: str | None = yaml.safe_load(file.read_text()).get("task") if file.is_file() else None
    return found
