"""The configs of schemes: in which order blocks see one another. The class of a config says which learner is built."""

from __future__ import annotations

from dataclasses import dataclass

from omegaconf import MISSING

from hl_cli.schema.fields import described


@dataclass
class Scheme:
    """Who sees what within a step; what each kind has beside its name is below."""

    name: str = described(MISSING, "name in files and titles")


@dataclass
class Global(Scheme):
    """The costate runs through the whole net at once, over the whole sample: back-propagation."""

    name: str = described(MISSING, "name in files and titles", choices=("global",))


SCHEMES: tuple[type[Scheme], ...] = (Global,)
