"""Streams, models and targets of your own: module:factory, found from where hl-run is called, or an entry point."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from importlib import resources
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from hl_cli.errors import BadInput


class Own(NamedTuple):
    """A choice that takes module:factory: its entry points, the option that stands for all of them, and its field."""

    entries: str
    option: str
    field: str = "factory"


GROUPS = {
    "stream": Own("hl_cli.streams", "plugin"),
    "model": Own("hl_cli.models", "module"),
    "target": Own("hl_cli.targets", "given", "function"),
}

WANTED = {
    "stream": "a hl_cli.Stream, or an iterable of (inputs, target), such as a DataLoader",
    "model": "a torch.nn.Module",
}

Made = TypeVar("Made")


def translate(arguments: list[str]) -> list[str]:
    """Write stream=module:factory, or the name of an entry point, as Hydra knows it; the same for model.

    stream@stream.streams.a=module:factory, a part of a stream, too. A name that ships is not taken over.
    """
    said = []
    for argument in arguments:
        choice, is_choice, value = argument.partition("=")
        group, _, package = choice.lstrip("+").partition("@")
        if is_choice and group in GROUPS:
            entries, option, field = GROUPS[group]
            shipped = (resources.files("hl_cli.configs") / group / f"{value}.yaml").is_file()
            known = {entry.name: entry.value for entry in entry_points(group=entries)}
            factory = known.get(value, value if ":" in value and not set(value) & set(",[]{}()") else None)
            if factory and not shipped:
                where = package or group
                said += [f"{choice}={option}", f"{where}.{field}={factory}", f"{where}.name={value.replace(':', '.')}"]
                continue
        said.append(argument)
    return said


def make(field: str, factory: str, kind: type[Made], given: dict[str, Any], options: dict[str, Any]) -> Made:
    """Call module:factory with what the run gives and the user's options; raises BadInput unless it makes that kind."""
    where = f"{field}.factory={factory}"
    if twice := sorted(set(given) & set(options)):
        raise BadInput(
            f"{field}.options.{twice[0]}: the run gives it itself; allowed: other names than {', '.join(given)}"
        )
    maker = found(where, factory)
    try:
        made = maker(**given, **options)
    except BadInput:
        raise
    except Exception as error:
        raise BadInput(f"{where}: {_said(error)}") from error
    if not isinstance(made, kind):
        raise BadInput(f"{where}: gave a {type(made).__name__}; allowed: {WANTED[field]}")
    return made


def found(where: str, factory: str) -> Callable[..., Any]:
    """What module:factory names; raises BadInput, which begins with `where`, unless it can be called."""
    module, _, name = factory.partition(":")
    if not module or not name:
        raise BadInput(f"{where}: allowed: module:factory, such as my_streams:make")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))  # a console script does not look there by itself
    try:
        there = importlib.import_module(module)
    except ImportError as error:
        raise BadInput(f"{where}: {error}; looked from {Path.cwd()} and among the installed packages") from error
    except Exception as error:
        raise BadInput(f"{where}: {_said(error)}") from error
    if not callable(getattr(there, name, None)):
        raise BadInput(f"{where}: {module} has no function or class of the name {name}")
    called: Callable[..., Any] = getattr(there, name)
    return called


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())} (HYDRA_FULL_ERROR=1 shows where)"
