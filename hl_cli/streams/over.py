"""A stream over another one: what it does not say itself is what the stream below says."""

from __future__ import annotations

from typing import Any

from hl_cli.streams.base import Stream
from hl_cli.types import Sample

# every attribute that a stream may have, so that a new one is passed on by itself
TOLD = tuple(name for name in Stream.__annotations__ if name not in vars(Stream)) + tuple(
    name for name, value in vars(Stream).items() if not name.startswith("__") and not callable(value)
)


class Over(Stream):
    """Gives the samples of base in its own way; all attributes of a stream (`TOLD`) are those of base at first."""

    def __init__(self, base: Stream) -> None:
        self.base = base
        for name in TOLD:
            setattr(self, name, getattr(base, name))

    def label(self) -> bool:
        """As the stream below."""
        return self.base.label()

    def held_out(self) -> Sample:
        """Those of the stream below."""
        return self.base.held_out()

    def held_out_tasks(self) -> dict[str, Sample]:
        """Those of the stream below."""
        return self.base.held_out_tasks()

    def current_task(self) -> str | None:
        """That of the sample which the stream below gave last."""
        return self.base.current_task()

    def state_dict(self) -> dict[str, Any]:
        """Where the stream below is."""
        return {"base": self.base.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go there."""
        self.base.load_state_dict(state["base"])


def kept(sample: Sample | None) -> list[Any] | None:
    """A sample as a state_dict keeps it."""
    return None if sample is None else list(sample)


def again(said: list[Any] | None) -> Sample | None:
    """A sample out of a state_dict."""
    return None if said is None else Sample(*said)
