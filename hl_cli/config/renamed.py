"""Names of before: fields and values that are called otherwise now, and still work, and fields that are gone.

Arguments are renewed on the command line, with a line that says so, and silently where an old run or sweep is taken up.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

FIELDS: dict[str, tuple[str, dict[str, str]]] = {
    r"stream(?:\.streams\.\w+)?\.counts": ("targets", {"every": "all"}),
    r"memory|arms\.\w+\.memory": ("checkpointing", {}),
    r"feed": ("feed", {"own": "closed_loop", "nothing": "zero_input", "given": "teacher_forced"}),
}
"""By a pattern of the whole name of a field: its last part now, and its values now."""
ADDED: dict[str, Any] = {
    r"credit|arms\.\w+\.credit": None,
    r"scenario\.(?:nesterov|maximize)": False,
    r"(?:arms\.\w+\.)?model\.(?:skip|squash)": False,
    "update_every": 1,
    "engine": "eager",
    "report": None,
    "only": None,
    r"pytorch\.engine": "eager",
    r"arms\.\w+\.engine": None,
    r"arms\.\w+\.(?:engine)": "eager",  # of an arm of PyTorch
    r"arms\.pytorch\.engine": "${pytorch.engine}",
    "kinetic": {"name": "classical"},
    r"arms\.\w+\.kinetic": None,
    r"integrator\.damping": "euler",
    r"stream(?:\.streams\.\w+)?\.permuted": False,
    r"(?:arms\.\w+\.)?model\.show": "y",
}
"""Fields that came since, with the value at which a run is the one that it was without them."""


class Removed(NamedTuple):
    """A field that is gone; beside: one of the same config that is not; nothing: its default; now: what says it now."""

    beside: str
    nothing: Any
    now: str


REMOVED = {
    "compile": Removed("anchor_every", False, "engine=compiled"),
    r"arms\.\w+\.compile": Removed("anchor_every", None, "engine=compiled"),
}
"""By a pattern of the whole name. Where it is false or null it said nothing."""


def renewed(argument: str) -> str:
    """An argument with the names of now.

    >>> renewed("stream.counts=last,every"), renewed("+arms.a.memory=store"), renewed("feed=own")
    ('stream.targets=last,all', '+arms.a.checkpointing=store', 'feed=closed_loop')
    """
    key, given, value = argument.partition("=")
    bare = key.lstrip("+~")
    found = _now(bare)
    if found is None:
        return argument
    name, values = found
    for old, new in values.items():
        value = re.sub(rf"\b{old}\b", new, value)
    return f"{key[: len(key) - len(bare)]}{name}{given}{value}"


def renewed_all(arguments: Sequence[str]) -> list[str]:
    """All of them, without those that set a field that is gone to nothing.

    >>> renewed_all(["steps=3", "compile=false", "arms.hl.compile=true"])
    ['steps=3', 'arms.hl.compile=true']
    """
    return [renewed(argument) for argument in arguments if not left_out(argument)]


def left_out(argument: str) -> bool:
    """Whether it sets a field that is gone to nothing."""
    name, _, value = argument.partition("=")
    return bool(removed(name.lstrip("+"))) and value.lower() in ("false", "null")


def removed(name: str) -> str:
    """A line on a field that is gone; nothing for others.

    >>> removed("arms.hl.compile")
    'arms.hl.compile: no longer a field; leave it out, or write arms.hl.engine=compiled'
    """
    now = next((of.now for pattern, of in REMOVED.items() if re.fullmatch(pattern, name)), None)
    first = name.rpartition(".")[0]
    return f"{name}: no longer a field; leave it out, or write {first}{'.' if first else ''}{now}" if now else ""


def renewed_config(config: Any, where: str = "") -> Any:
    """A config in plain values with the names of now, without what came since, or is gone, and says nothing.

    So a config of before and the one that is composed now can be compared. What is no config stays as it is.
    """
    if not isinstance(config, dict):
        return config
    found: dict[str, Any] = {}
    for key, value in config.items():
        name = f"{where}{key}"
        if _says_nothing(name, value) or (value in (False, None) and removed(name)):
            continue
        new, values = _now(name) or (name, {})
        value = values.get(value, value) if isinstance(value, str) else renewed_config(value, f"{name}.")
        found[new.rpartition(".")[2] if new != name else key] = value
    return found


def former_config(config: Any, where: str = "") -> Any:
    """A config with the names that it had at first: what the hash of a job is made of, so that it stays what it was."""
    if not isinstance(config, dict):
        return config
    found: dict[str, Any] = {}
    for key, value in config.items():
        name, old = f"{where}{key}", str(key)
        if _says_nothing(name, value):
            continue
        value = former_config(value, f"{name}.")
        for pattern, (new, values) in FIELDS.items():
            first = re.sub(r".*\W", "", pattern.removesuffix(")"))
            if new == key and re.fullmatch(pattern, f"{where}{first}"):
                old = first
                value = {now: before for before, now in values.items()}.get(value, value)
        found[old] = value
    for pattern, of in REMOVED.items():
        gone = pattern.rpartition(".")[2]
        if of.beside in config and re.fullmatch(pattern, f"{where}{gone}"):
            found.setdefault(gone, of.nothing)
    return found


def _says_nothing(name: str, value: Any) -> bool:
    return any(_same(value, neutral) and re.fullmatch(pattern, name) for pattern, neutral in ADDED.items())


def _same(value: Any, neutral: Any) -> bool:
    return type(value) is type(neutral) and bool(value == neutral)


def _now(name: str) -> tuple[str, dict[str, str]] | None:
    for pattern, (new, values) in FIELDS.items():
        if re.fullmatch(pattern, name):
            return f"{name.rpartition('.')[0]}.{new}".lstrip("."), values
    return None
