"""The configs of models. The class of a config says which net is built (hl_cli.build.models)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from omegaconf import MISSING

from hl_cli.config.fields import described


@dataclass
class Model:
    """A net; what each kind has beside its name is below."""

    name: str = described(MISSING, "name in files and titles")


@dataclass
class StateNet(Model):
    """A stack of cells and a head."""

    hidden: int = described(32, "neurons of each cell", least=1, most=10**6)
    layers: int = described(1, "cells above one another", least=1, most=1000)
    head: list[int] | None = described(
        None, "neurons of each hidden layer (tanh) of the output net; null: it is linear", least=1, most=10**6
    )


@dataclass
class Module(Model):
    """A net of your own: model=module:factory, or the name of an entry point in the group hl_cli.models."""

    factory: str = described(MISSING, "module:factory")
    options: dict[str, Any] = described({}, "arguments of the factory")
