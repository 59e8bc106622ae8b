"""The config of an observer: what a run looks at beside its scores. Each kind stands in its own file, with `choice`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Observe:
    """An observer sees every step of a run, writes files and sections of the report, and changes no arm."""
