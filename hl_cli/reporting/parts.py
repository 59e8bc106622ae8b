"""The parts of which a run's end consists. A part that fails loses only itself, and is named."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from jinja2 import Environment

from hl_cli.errors import LostRank

T = TypeVar("T")
NOTICE = "notice"  # the block of a page that names what is missing; the others are made before it
Part = tuple[str, Callable[[], object]]  # its name for a reader, and what makes it


class Parts:
    """Makes parts one by one and remembers those that failed.

    words: an error as one line; errors: name of a part to its error; lost: the loss of a process, where one of the
    errors was that.
    """

    def __init__(self, words: Callable[[BaseException], str]) -> None:
        self._words = words
        self.errors: dict[str, Exception] = {}

    def make(self, name: str, make: Callable[[], T], otherwise: T) -> T:
        """What make() returns, or `otherwise` where it fails."""
        try:
            return make()
        except Exception as error:
            self.errors[name] = error
            return otherwise

    def run(self, parts: Iterable[Part]) -> None:
        """Make all of them."""
        for name, make in parts:
            self.make(name, make, None)

    @property
    def failed(self) -> dict[str, str]:
        """Name of a part to one line that says why it is missing."""
        return {name: self._words(error) for name, error in self.errors.items()}

    @property
    def lost(self) -> LostRank | None:
        """The loss of a process that a part met."""
        return next((error for error in self.errors.values() if isinstance(error, LostRank)), None)


def not_written(failed: dict[str, str]) -> str:
    """All that failed in one line; nothing where nothing did."""
    return "; ".join(f"{name} ({reason})" for name, reason in failed.items())


def rendered(pages: Environment, template: str, content: Mapping[str, Any], parts: Parts, page: str) -> dict[str, str]:
    """The blocks of a template by name, in its order; one that fails is empty, and remembered as a part of the page."""
    found = pages.get_template(template)
    context = found.new_context(dict(content))

    def text(name: str) -> str:
        return parts.make(f"{name.replace('_', ' ')} in {page}", lambda: "".join(found.blocks[name](context)), "")

    done = {name: text(name) for name in sorted(found.blocks, key=lambda name: name == NOTICE)}
    return {name: done[name] for name in found.blocks}
