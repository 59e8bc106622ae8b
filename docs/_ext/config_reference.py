"""Directives that write the reference from what the program itself goes by, so that the two cannot part.

```{config-fields} run            the plain fields of a run, or of a part of it: stop, study, sweep, pytorch
```{config-options} stream        every option of a group, with the comment at the top of its file and its fields;
                                 `stream 3` begins at headings of level 3
```{config-presets} experiment    every experiment, or debug: its comment, its command, what it sets
```{command-help}                 what hl-run --help prints
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from hl_cli.cli import help as helped
from hl_cli.config import validation
from hl_cli.config.tasks import TASKS

HEAD = ["| field | type | default | meaning |", "|---|---|---|---|"]


def table(entries: list[validation.Field], prefix: str = "", set_here: dict[str, Any] | None = None) -> Iterator[str]:
    """A row a field; set_here: defaults that the file of an option sets."""
    yield from (":::{table}", ":class: fields", "", *HEAD)
    for entry in entries:
        default = (set_here or {}).get(entry.name, entry.default)
        allowed = f" Allowed: {entry.allowed}." if entry.allowed else ""
        cells = [
            f"`{prefix}{entry.name}`",
            f"`{_type(entry.type)}`",
            _default(default),
            _escaped(f"{entry.meaning}.{allowed}"),
        ]
        yield "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"
    yield ":::"


def _type(written: str) -> str:
    return written.replace(" | None", " or null").replace("Any", "any")


def _default(value: object) -> str:
    shown = validation.shown(value)
    return "required" if shown == "???" else f"`{shown}`" if shown else "empty"


def _escaped(text: str) -> str:
    return "".join(f"\\{letter}" if letter in "*_`<>$[]{}" else letter for letter in text)


def option(group: str, name: str, text: str, level: int) -> Iterator[str]:
    """A heading, the comment at the top of the file, and the fields."""
    yield from (f"{'#' * level} `{group}={name}`", "", *described(text), "")
    kind, set_here = helped.config_of(group, name)
    entries = [entry for entry in validation.entries(kind) if entry.name != "name"]
    if entries:
        yield from (*table(entries, f"{helped.prefix_of(group, name)}.", set_here), "")


def described(text: str) -> Iterator[str]:
    """The comment of a file as Markdown: its sentences, and its commands and tables as they stand."""
    code = False
    for line in helped.comment(text):
        if (is_code := line.startswith(("hl-run ", " "))) != code:
            yield from ("", "```text") if is_code else ("```", "")
        code = is_code
        yield line if is_code else _escaped(line)
    if code:
        yield "```"


def preset(group: str, name: str, text: str) -> Iterator[str]:
    """The comment of an experiment and what it sets."""
    yield from (f"{'###' if group == 'debug' else '##'} `{group}={name}`", "", *described(text), "")
    settings = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    assert yaml.safe_load(settings)
    yield from ("```yaml", settings.strip(), "```", "")


class Markdown(SphinxDirective):
    """A directive that writes Markdown and has it parsed in its place."""

    optional_arguments = 2

    def lines(self) -> Iterator[str]:
        """What is written."""
        raise NotImplementedError

    def run(self) -> list[nodes.Node]:
        """Parse it; headings become sections."""
        return self.parse_text_to_nodes("\n".join(self.lines()), allow_section_headings=True)


class Fields(Markdown):
    """The plain fields of a run or of one of its parts."""

    def lines(self) -> Iterator[str]:
        """A table."""
        part = self.arguments[0]
        whole = part in ("run", *TASKS)
        yield from table([*validation.entries(validation.kind_of(part))], "" if whole else f"{part}.")


class Options(Markdown):
    """Every option of a group."""

    def lines(self) -> Iterator[str]:
        """A section an option."""
        group, level = [*self.arguments, "2"][:2]
        for name, text in helped.options_of(group).items():
            yield from option(group, name, text, int(level))


class Presets(Markdown):
    """Every option of a group that sets values of other groups."""

    def lines(self) -> Iterator[str]:
        """A section an option."""
        for name, text in helped.options_of(self.arguments[0]).items():
            yield from preset(self.arguments[0], name, text)


class CommandHelp(SphinxDirective):
    """What hl-run --help prints."""

    def run(self) -> list[nodes.Node]:
        """As it stands."""
        return [nodes.literal_block("", helped.help_text(), language="text")]


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx."""
    for name, directive in {
        "config-fields": Fields, "config-options": Options, "config-presets": Presets,
        "command-help": CommandHelp,
    }.items():  # fmt: skip
        app.add_directive(name, directive)
    return {"parallel_read_safe": True}
