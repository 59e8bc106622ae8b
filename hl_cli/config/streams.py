"""The configs of streams. The class of a config says which stream is built (hl_cli.build.streams)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from omegaconf import MISSING

from hl_cli.config.fields import described
from hl_cli.config.stream import StreamConfig


@dataclass
class Plugin(StreamConfig):
    """A stream of your own: stream=module:factory, or the name of an entry point in the group hl_cli.streams."""

    factory: str = described(MISSING, "module:factory")
    options: dict[str, Any] = described({}, "arguments of the factory")


@dataclass
class Drift(StreamConfig):
    """A stream that changes over time: tasks one after the other."""

    streams: dict[str, StreamConfig] = described({}, "the streams that it is made of, by any name")
    change: str = described("streams", "what a task is", choices=("streams", "classes", "permuted"))
    classes_per_task: int = described(2, "for change=classes", least=1)
    tasks: int = described(5, "for change=permuted: how many orders of the features", least=1, most=100)
    period: int = described(1000, "steps that a task lasts", least=1)
    blend: int = described(0, "steps in which the next task gradually takes over; 0: abrupt", least=0)
    recurring: bool = described(False, "after the last task the first comes again")
