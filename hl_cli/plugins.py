"""Streams and models of your own: module:factory, found from the folder where hl-run is called, or an entry point."""

from __future__ import annotations

import importlib
import sys
from importlib import resources
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, TypeVar

from hl_cli.errors import BadInput

GROUPS = {"stream": ("hl_cli.streams", "plugin"), "model": ("hl_cli.models", "module")}

Made = TypeVar("Made")


def translate(arguments: list[str]) -> list[str]:
    """Write stream=module:factory, or the name of an entry point, as Hydra knows it; the same for model.

    A name that ships with hl-run is not taken over.
    """
    said = []
    for argument in arguments:
        group, is_choice, value = argument.partition("=")
        if is_choice and group in GROUPS:
            entries, option = GROUPS[group]
            shipped = (resources.files("hl_cli.configs") / group / f"{value}.yaml").is_file()
            known = {entry.name: entry.value for entry in entry_points(group=entries)}
            factory = known.get(value, value if ":" in value and "," not in value else None)
            if factory and not shipped:
                said += [f"{group}={option}", f"{group}.factory={factory}", f"{group}.name={value.replace(':', '.')}"]
                continue
        said.append(argument)
    return said


def make(field: str, factory: str, kind: type[Made], **arguments: Any) -> Made:
    """Call module:factory with these arguments; raises BadInput unless it gives an object of that kind."""
    where = f"{field}.factory={factory}"
    module, _, name = factory.partition(":")
    if not module or not name:
        raise BadInput(f"{where}: allowed: module:factory, such as my_streams:make")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))  # a console script does not look there by itself
    try:
        found = importlib.import_module(module)
    except ImportError as error:
        raise BadInput(f"{where}: {error}; looked from {Path.cwd()} and among the installed packages") from error
    if not callable(getattr(found, name, None)):
        raise BadInput(f"{where}: {module} has no function or class of the name {name}")
    try:
        made = getattr(found, name)(**arguments)
    except BadInput:
        raise
    except Exception as error:
        line = " ".join(str(error).split())
        raise BadInput(f"{where}: {type(error).__name__}: {line} (HYDRA_FULL_ERROR=1 shows where)") from error
    if not isinstance(made, kind):
        raise BadInput(f"{where}: gave a {type(made).__name__}; allowed: a {kind.__module__}.{kind.__qualname__}")
    return made
