"""Choices: the config class of a part stands in the part's own file, and is known before that file is imported.

    @choice("model", "leaky_rnn", home="leaky_rnn")
    @dataclass
    class LeakyConfig(StateNet):
        \"\"\"Tanh cells slower than the clock.\"\"\"

Files that hold `@choice(` are read at first, not run: of each only the config classes are made, with the literal
constants and the imports that they need. So neither `hl-run --help` nor the composing of a config waits for torch.
When the file itself is imported, `choice` gives the class that is known already.

The files are those of hl_cli, and the modules of installed packages that an entry point in the group hl_cli.choices
names. An option has a preset in configs/ or, without one, the defaults of its class.
"""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import resources
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from hl_cli.errors import BadInput

T = TypeVar("T")
ENTRIES = "hl_cli.choices"
MARK = "\n@choice("
NEEDED = ("__future__", "dataclasses", "typing", "omegaconf", "hl_cli.config", "hl_cli.types")
"""Modules that a config class may be made with; none of them imports torch."""


@dataclass(frozen=True)
class Choice:
    """One option, or several that share a config class.

    group: of the config; names: of its options, where no preset says them; kind: the config class; module, home: what
    makes the part, by its name in its file; facts: what the group asks of its options beside that.
    """

    group: str
    names: tuple[str, ...]
    kind: type
    module: str
    home: str
    facts: dict[str, Any] = field(default_factory=dict)

    def load(self) -> Any:
        """Import the file and return what makes the part."""
        return getattr(importlib.import_module(self.module), self.home)


_found: dict[tuple[str, str], Choice] = {}  # by module and name of the class
_reading = ""  # the module whose classes are being made


def choice(group: str, *names: str, home: str, **facts: Any) -> Callable[[type[T]], type[T]]:
    """Register a config class as an option of a group; its class is the one that was made when the file was read."""

    def register(kind: type[T]) -> type[T]:
        key = (_reading or kind.__module__, kind.__name__)
        if _reading:
            _found[key] = Choice(group, names, kind, _reading, home, facts)
        return _found[key].kind if key in _found else kind  # a file that nobody named is no option

    return register


def choices(*groups: str) -> list[Choice]:
    """All options of some groups, or of all; those of hl_cli first, in the order of their files."""
    known = [one for one in _found.values() if one.group in groups or not groups]
    return sorted(known, key=lambda one: not one.module.startswith("hl_cli."))


def preset(group: str, name: str) -> Any:
    """The file of an option in configs/, which may not be there."""
    return resources.files("hl_cli.configs") / group / f"{name}.yaml"


def choice_of(kind: Any) -> Choice | None:
    """The option whose config class this is; None for one that is made elsewhere."""
    return next((one for one in _found.values() if one.kind is kind), None)


def read_all() -> None:
    """Read every file that holds a choice; raises BadInput for one of another package that cannot be read."""
    package = Path(__file__).parents[1]
    for path in sorted(package.glob("*/**/*.py")):
        room = path.relative_to(package).with_suffix("").parts
        if room[0] != "config":
            _read(path.read_text(), ".".join(("hl_cli", *room)))
    for entry in sorted(entry_points(group=ENTRIES)):
        try:
            spec = find_spec(entry.value)
            if spec is None or spec.origin is None:
                raise ModuleNotFoundError(f"No module named '{entry.value}'")
            _read(Path(spec.origin).read_text(), entry.value)
        except Exception as error:
            said = " ".join(f"{type(error).__name__}: {error}".split())
            raise BadInput(
                f"entry point {entry.name} in {ENTRIES}, {entry.value}: {said}; allowed: a module that can be read"
            ) from error


def _read(text: str, module: str) -> None:
    """Make the config classes of one file, in a module of their own that pickle and OmegaConf find by its name."""
    global _reading
    if MARK not in text:
        return
    nodes = [node for node in ast.parse(text).body if _is_needed(node)]
    stand_in = ModuleType(f"hl_cli.config.choice_{module.removeprefix('hl_cli.').replace('.', '_')}")
    sys.modules[stand_in.__name__] = stand_in
    _reading = module
    try:
        exec(compile(ast.Module(nodes, []), module, "exec"), stand_in.__dict__)
    finally:
        _reading = ""


def _is_needed(node: ast.stmt) -> bool:
    if isinstance(node, ast.ImportFrom):
        return (node.module or "").startswith(NEEDED)
    if isinstance(node, ast.ClassDef):
        return any(isinstance(d, ast.Call) and getattr(d.func, "id", "") == "choice" for d in node.decorator_list)
    if isinstance(node, ast.Assign):
        try:
            ast.literal_eval(node.value)
        except ValueError:
            return False
        return True
    return False
