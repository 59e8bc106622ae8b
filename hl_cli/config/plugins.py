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
            entries, option = GROUPS[group]
            shipped = (resources.files("hl_cli.configs") / group / f"{value}.yaml").is_file()
            known = {entry.name: entry.value for entry in entry_points(group=entries)}
            factory = known.get(value, value if ":" in value and not set(value) & set(",[]{}()") else None)
            if factory and not shipped:
                where = package or group
                said += [f"{choice}={option}", f"{where}.factory={factory}", f"{where}.name={value.replace(':', '.')}"]
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
    module, _, name = factory.partition(":")
    if not module or not name:
        raise BadInput(f"{where}: allowed: module:factory, such as my_streams:make")
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))  # a console script does not look there by itself
    try:
        found = importlib.import_module(module)
    except ImportError as error:
        raise BadInput(f"{where}: {error}; looked from {Path.cwd()} and among the installed packages") from error
    except Exception as error:
        raise BadInput(f"{where}: {_said(error)}") from error
    if not callable(getattr(found, name, None)):
        raise BadInput(f"{where}: {module} has no function or class of the name {name}")
    try:
        made = getattr(found, name)(**given, **options)
    except BadInput:
        raise
    except Exception as error:
        raise BadInput(f"{where}: {_said(error)}") from error
    if not isinstance(made, kind):
        raise BadInput(f"{where}: gave a {type(made).__name__}; allowed: {WANTED[field]}")
    return made


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())} (HYDRA_FULL_ERROR=1 shows where)"
