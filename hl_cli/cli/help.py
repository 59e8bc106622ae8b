"""The help: every option with the comment at the top of its file, every field with its meaning. Imports no torch."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from importlib import resources
from textwrap import fill
from typing import Any

import yaml

from hl_cli.cli.usage import HELP
from hl_cli.config import node_of, registry, validation
from hl_cli.config.tasks import GROUPS, TASKS, Task

WIDTH = 116


def help_text(arguments: Sequence[str] = ()) -> str:
    """All choices and fields; with choices among the arguments (stream=text, model=) the help of those instead."""
    pairs = [argument.partition("=") for argument in arguments]
    asked = [(group, option) for group, given, option in pairs if given and group in (*validation.CHOICES, *GROUPS)]
    if asked:
        return "\n".join(_help_of(group, option) for group, option in asked)
    named = [TASKS[name] for key, _, name in pairs if key == "task" and name in TASKS]
    if named:
        return _help_of_task(named[-1])
    listed = [f"{group}=\n" + "\n".join(_options(group)) for group in validation.CHOICES if group != "paths"]
    parts = [
        (f"{part}.{name}", *said)
        for part in ("stop", "study", "sweep")
        for name, *said in validation.values(validation.kind_of(part))
    ]
    values = [_entry(f"{name}={default}", meaning) for name, default, meaning in [*validation.values(), *parts]]
    tasks = [f"  {f'hl-run task={task.name} {task.example}':<56} {task.meaning}" for task in TASKS.values()]
    return HELP.format(choices="\n".join(listed), values="\n".join(values), tasks="\n".join(tasks))


def _help_of_task(task: Task) -> str:
    """The choices and fields of a task."""
    choices = [line for group in task.groups for line in (f"{group}=", *_options(group), "")]
    said = [_entry(f"{name}={default}", meaning) for name, default, meaning in validation.values(task.kind)]
    return "\n".join([f"task={task.name}: {task.meaning}\n", *choices, "Fields:", *said]) + "\n"


def options_of(group: str) -> dict[str, str]:
    """The options of a group, with the text of their files."""
    folder = resources.files("hl_cli.configs") / group
    files = sorted(folder.iterdir(), key=_name) if folder.is_dir() else []
    found = {f.name.removesuffix(".yaml"): f.read_text() for f in files if _is_option(f)}
    for one in registry.choices(group):  # without a preset, an option has the defaults of its class
        said = [
            (one.kind.__doc__ or "").splitlines()[0],
            *(f"{k}: {v}." for k, v in one.facts.items() if type(v) is str),
        ]
        text = "".join(f"# {line}\n" for line in said) + f"defaults: [/schema/{node_of(one.kind)}@_here_, _self_]\n"
        found = {**dict.fromkeys(one.names, text), **found}
    return dict(sorted(found.items()))


def _name(file: Any) -> str:
    return str(file.name)


def _is_option(file: Any) -> bool:
    return str(file.name).endswith(".yaml")


def comment(text: str) -> list[str]:
    """The comment at the top of an option's file, without what is said to Hydra there."""
    lines = [line[1:].removeprefix(" ").rstrip() for line in text.splitlines() if line.startswith("#")]
    return [line for line in lines if line and not line.startswith("@package")]


def described(text: str) -> str:
    """What an option is, in one line: the first of its comment that is no command."""
    return next((line for line in comment(text) if not line.startswith("hl-run ")), "")


def _options(group: str) -> list[str]:
    return [_entry(name, described(text), 22) for name, text in options_of(group).items()]


def _help_of(group: str, option: str) -> str:
    """One option with its fields, and beside it the others of its group."""
    known = options_of(group)
    if option not in known:
        said = f"{group}={option}: no such option\n\n" if option else ""
        return f"{said}{group}=\n" + "\n".join(_options(group)) + "\n"
    parts = [f"{group}={option}", "\n".join(f"  {line}" for line in comment(known[option]))]
    fields = [*(_settings(known[option]) if group in validation.APART else _fields(group, option))]
    parts.append("\n".join(fields) or "  It has no fields of its own.")
    others = [line for line in _options(group) if line.split()[0] != option]
    if others:
        parts.append(f"Other options of {group}=\n" + "\n".join(others))
    return "\n\n".join(parts) + "\n"


def prefix_of(group: str, option: str) -> str:
    """Where the fields of an option lie in the config."""
    return {"arm": f"arms.{option}", "observe": f"observe.{option}"}.get(group, group)


def config_of(group: str, option: str) -> tuple[type, dict[str, object]]:
    """The config class of an option, and the values that its file sets."""
    known, file = options_of(group), option
    values: dict[str, object] = {}
    kind = ""
    while not kind:  # a file may begin with another one of its group
        said = yaml.safe_load(known[file])
        values = {**said, **values}
        file = said["defaults"][0]
        kind = re.sub(r"^/schema/(\w+)@_here_$|.*", r"\1", file) if isinstance(file, str) else ""
    return validation.kind_of(kind), values


def _fields(group: str, option: str) -> Iterator[str]:
    """The fields of one option: what its file sets, and what they may be."""
    kind, values = config_of(group, option)
    for name, default, meaning in validation.values(kind):
        if name != "name":
            yield _entry(
                f"{prefix_of(group, option)}.{name}={validation.shown(values.get(name, default))}", meaning, 34
            )
    for key, inner in ((key, inner) for one in _parts(values) for key, inner in one.items()):
        part, _, place = key.removeprefix("/").partition("@")  # an option of another group is a part of this one
        where = f"{prefix_of(group, option)}.{place}"
        yield _entry(f"{part}@{where}={inner}", f"its {part}: {', '.join(options_of(part))}", 34)
        of, set_there = config_of(part, inner)
        for name, default, meaning in validation.values(of):
            if name != "name":
                yield _entry(f"{where}.{name}={validation.shown(set_there.get(name, default))}", meaning, 34)


def _parts(values: dict[str, object]) -> list[dict[str, str]]:
    """The options of other groups that the file of an option puts into itself."""
    said = values.get("defaults", [])
    assert isinstance(said, list)
    return [one for one in said if isinstance(one, dict)]


def _settings(text: str) -> Iterator[str]:
    """What an experiment sets: choices and fields, each with its meaning."""
    said = yaml.safe_load(text)
    own = validation.values(TASKS[said["task"]].kind if "task" in said else validation.Run)
    meanings = {name: meaning for name, _, meaning in own}
    defaults = [pair for one in said.pop("defaults", []) for pair in one.items()]
    chosen = {key.removeprefix("override ").removeprefix("/"): option for key, option in defaults}
    for group, option in chosen.items():
        several = isinstance(option, list)
        meaning = "" if several else described(options_of(group.partition("@")[0])[option])
        yield _entry(f"{group}={_listed(option) if several else option}", meaning, 34)
    for group, option in {**_usual(), **chosen}.items():
        if group in validation.GROUPS:
            meanings |= {
                f"{group}.{name}": meaning for name, _, meaning in validation.values(config_of(group, option)[0])
            }
    for part in ("pytorch", "stop", "study"):
        meanings |= {f"{part}.{name}": text for name, _, text in validation.values(validation.kind_of(part))}
    for name, value in _flat(said):
        yield _entry(f"{name}={validation.shown(value)}", meanings.get(name, ""), 34)


def _listed(options: Sequence[str]) -> str:
    """Several options, as in a command."""
    return f"[{','.join(options)}]"


def _usual() -> dict[str, str]:
    """The option of each group in a run that chooses none."""
    said = yaml.safe_load((resources.files("hl_cli.configs") / "run.yaml").read_text())["defaults"]
    return {key: option for one in said if isinstance(one, dict) for key, option in one.items() if option}


def _flat(tree: dict[str, Any], where: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{where}{key}.")
        else:
            yield f"{where}{key}", value


def _entry(name: str, text: str, width: int = 20) -> str:
    return fill(text, WIDTH, initial_indent=f"  {name:<{width}} ", subsequent_indent=" " * (width + 3)) or f"  {name}"
