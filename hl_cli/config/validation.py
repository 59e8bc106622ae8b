"""Checks a composed config: ranges, choices, fields that do not exist. Knows the fields for the help."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, NamedTuple

from omegaconf import DictConfig, ListConfig, OmegaConf

from hl_cli.config import (
    ARMS,
    CREDITS,
    INTEGRATORS,
    KINETICS,
    MODELS,
    OBSERVERS,
    SCENARIOS,
    SCHEDULES,
    SCHEMES,
    STREAMS,
    Module,
    Paths,
    PyTorch,
    Run,
    Split,
    Stop,
    Study,
    Sweep,
    node_of,
    registry,
    tasks,
)
from hl_cli.config.renamed import removed
from hl_cli.errors import BadInput, cut

GROUPS: dict[str, list[type]] = {
    "stream": [*STREAMS],
    "scenario": [*SCENARIOS],
    "integrator": [*INTEGRATORS],
    "kinetic": [*KINETICS],
    "scheme": [*SCHEMES],
    "credit": [*CREDITS],
    "schedule": [*SCHEDULES],
    "model": [*dict.fromkeys(MODELS.values()), Module],
    **{group: [one.kind for one in registry.choices(group)] for group in tasks.GROUPS},
    "paths": [Paths],
    "pytorch": [PyTorch],
    "stop": [Stop],
    "sweep": [Sweep],
}
KINDS: tuple[type, ...] = (
    Run,
    *(task.kind for task in tasks.TASKS.values()),
    Split,
    Study,
    *ARMS,
    *OBSERVERS,
    *(one for of in GROUPS.values() for one in of),
)
LONGEST_NAME = 64  # characters; four names make a folder
CHOICES = (
    "arm",
    "stream",
    "model",
    "split",
    "scenario",
    "scheme",
    "credit",
    "integrator",
    "kinetic",
    "schedule",
    "observe",
    "experiment",
    "debug",
    "paths",
)
"""The config groups, in the order of the help."""
APART = ("experiment", "debug")
"""Groups that are no part of a config: their options set values of the others."""
LISTS = (*APART, "arm", "observe")  # groups of which several options may be chosen at once


class Field(NamedTuple):
    """One field of a config, for the help and the reference: its type as it is written, and what is allowed."""

    name: str
    type: str
    default: object
    meaning: str
    allowed: str


_WORDS = {"above": "> {}", "below": "< {}", "least": ">= {}", "most": "<= {}"}
_TESTS = {
    "above": lambda v, b: v > b,
    "below": lambda v, b: v < b,
    "least": lambda v, b: v >= b,
    "most": lambda v, b: v <= b,
}


def check(cfg: DictConfig, where: str = "") -> None:
    """Raise BadInput for the first value out of its range, naming field, value and what is allowed."""
    kind = OmegaConf.get_type(cfg)
    assert is_dataclass(kind)
    for key in cfg:
        if key not in fields_of(kind.__name__):
            raise BadInput(removed(f"{where}{key!s}") or f"{where}{key!s}: no such field; hl-run --help lists all")
    for f in fields(kind):
        name = f"{where}{f.name}"
        if OmegaConf.is_missing(cfg, f.name):
            raise BadInput(f"{name}=???: allowed: a value; {f.metadata.get('meaning', 'a choice')}")
        value = cfg[f.name]
        if isinstance(value, DictConfig):
            if _is_group(value):
                check(value, f"{name}.")
            for key, part in value.items() if not _is_group(value) else ():
                if _is_group(part):
                    check(part, f"{name}.{key!s}.")
            continue
        if f.name == "name" and isinstance(value, str) and not is_name(value):
            raise BadInput(f"{name}={cut(value)}: allowed: letters, digits and ._-, at most {LONGEST_NAME} in all")
        choices = f.metadata.get("choices")
        if choices and value is not None and value not in choices:
            raise BadInput(f"{name}={value}: allowed: {', '.join(map(str, choices))}")
        bounds: dict[str, float] = f.metadata.get("bounds", {})
        if isinstance(value, ListConfig):
            strings = all(isinstance(one, str) for one in value)
            if not value or not (strings or all(_within(one, bounds) for one in value)):
                what = "names" if "list[str]" in str(f.type) else f"numbers {_allowed(bounds)}".rstrip()
                raise BadInput(f"{name}={list(value)}: allowed: one or more {what}")
        elif value is not None and (bounds or isinstance(value, float)) and not _within(value, bounds):
            raise BadInput(f"{name}={value}: allowed: a number {_allowed(bounds)}")


def is_name(text: str) -> bool:
    """Whether a text may be part of the name of a folder."""
    return re.fullmatch(rf"[A-Za-z0-9._-]{{1,{LONGEST_NAME}}}", text) is not None


def _is_group(value: Any) -> bool:
    """Whether a value is a config of ours, not a number and not a user's own dictionary."""
    return isinstance(value, DictConfig) and is_dataclass(OmegaConf.get_type(value))


def _within(value: Any, bounds: dict[str, float]) -> bool:
    """Tell whether a number is finite and within its bounds; NaN is neither."""
    return value is not None and math.isfinite(value) and all(_TESTS[k](value, b) for k, b in bounds.items())


def names() -> Iterator[str]:
    """All fields and groups of all configs, for hints in error messages."""
    for f in fields(Run):
        yield f.name
        for kind in GROUPS.get(f.name, []):
            yield from (f"{f.name}.{sub.name}" for sub in fields(kind))


def fields_of(kind: str | None) -> list[str]:
    """Fields of the config class of this name, none for a name that is no config class."""
    known = {k.__name__: k for k in KINDS}
    return [f.name for f in fields(known[kind])] if kind in known else []


def kind_of(name: str) -> type:
    """The config class of this name, in any case of its letters."""
    return next(kind for kind in KINDS if node_of(kind) == name)


def entries(kind: type = Run) -> Iterator[Field]:
    """The plain values of a run, or of another kind of config."""
    for f in fields(kind):
        if f.metadata:
            default = f.default_factory() if callable(f.default_factory) else f.default
            allowed = ", ".join(map(str, f.metadata["choices"] or [])) or _allowed(f.metadata["bounds"])
            yield Field(f.name, str(f.type), default, f.metadata["meaning"], allowed)


def values(kind: type = Run) -> Iterator[tuple[str, str, str]]:
    """Name, default and meaning of the same, each with what is allowed, for the help."""
    for entry in entries(kind):
        yield entry.name, shown(entry.default), entry.meaning + (f" ({entry.allowed})" if entry.allowed else "")


def shown(value: object) -> str:
    """A value as it is written in a config."""
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _allowed(bounds: dict[str, float]) -> str:
    return " and ".join(_WORDS[kind].format(bound) for kind, bound in bounds.items())
