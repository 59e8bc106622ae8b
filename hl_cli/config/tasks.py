"""The tasks that have a config of their own: one entry each, configs/NAME.yaml beside it.

What the command line, the help and the reference say of a task, and what runs it, is in its entry.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hl_cli.config.density import Density
from hl_cli.config.forecast import Forecast
from hl_cli.config.minimise import Minimise
from hl_cli.config.sample import Sample
from hl_cli.config.video import Video


@dataclass(frozen=True)
class Task:
    """One entry.

    kind: its config class; home: MODULE:NAME of what makes the work of a config (`hl_cli.runs.task.Work`); groups: the
    choices that it allows beside experiment= and paths=; example: arguments, for the help; meaning: what they do;
    instead: why the choices of a side-by-side run are refused.
    """

    name: str
    kind: type
    home: str
    groups: tuple[str, ...]
    example: str
    meaning: str
    instead: str

    def load(self) -> Any:
        """Import what makes its work."""
        module, _, name = self.home.partition(":")
        return getattr(importlib.import_module(module), name)


def _by_name(*tasks: Task) -> Mapping[str, Task]:
    return {task.name: task for task in tasks}


TASKS = _by_name(
    Task(
        "minimise",
        Minimise,
        home="hl_cli.runs.minimise:Minimisation",
        groups=("function",),
        example="function=quartic",
        meaning="methods searched on a function, with fields of its own",
        instead="no net is trained there",
    ),
    Task(
        "forecast",
        Forecast,
        home="hl_cli.runs.forecast:Forecasting",
        groups=("system",),
        example="system=pendulum",
        meaning="variational integrators forecast a system",
        instead="a forecast needs positions and velocities, which a system has; arms= names the nets",
    ),
    Task(
        "sample",
        Sample,
        home="hl_cli.runs.sample:Samplers",
        groups=("target",),
        example="target=funnel",
        meaning="chains of several samplers, with fields of their own",
        instead="nothing learns there",
    ),
    Task(
        "video",
        Video,
        home="hl_cli.runs.video:Filming",
        groups=("scene",),
        example="scene=pendulum",
        meaning="Hamiltonian generative network, motion learnt from frames",
        instead="a video needs frames, which a scene has; arms= names the nets",
    ),
    Task(
        "density",
        Density,
        home="hl_cli.runs.density:Densities",
        groups=("data",),
        example="data=moons",
        meaning="flows learn the density of points",
        instead="nothing learns over time there; arms= names what is compared",
    ),
)
GROUPS = tuple(dict.fromkeys(group for task in TASKS.values() for group in task.groups))
"""The choices of all tasks, each once."""
