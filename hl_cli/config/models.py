"""The configs of models. The class of a config says which net is built (hl_cli.build.models)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from omegaconf import MISSING

from hl_cli.config.fields import described
from hl_cli.config.registry import choices


@dataclass
class Model:
    """A net; what each kind has beside its name is below."""

    name: str = described(MISSING, "name in files and titles")


@dataclass
class Recurrent(Model):
    """A net whose state goes on from tick to tick."""


@dataclass
class StateNet(Recurrent):
    """A stack of cells and a head."""

    hidden: int = described(32, "neurons of each cell", least=1, most=10**6)
    layers: int = described(1, "cells above one another", least=1, most=1000)
    head: list[int] | None = described(
        None, "neurons of each hidden layer (tanh) of the output net; null: it is linear", least=1, most=10**6
    )


@dataclass
class PhaseNet(StateNet):
    """A stack of cells with positions y and momenta z."""

    show: str = described("y", "what the head and the layer above see: positions, or momenta, too", choices=("y", "yz"))


def _named(recurrent: bool) -> str:
    kinds = [one for one in choices("model") if issubclass(one.kind, Recurrent) == recurrent]
    return ", ".join(sorted(name for one in kinds for name in one.names))


def with_a_state() -> str:
    """The options of `model` whose net is recurrent, as an error names them."""
    return f"model={_named(True)}, or a recurrent cell of your own"


def without_a_state() -> str:
    """The options of `model` whose net is feed-forward, as an error names them."""
    return f"model={_named(False)}, or a feed-forward net of your own"


def invertible() -> str:
    """The options of `model` whose ticks can be undone, as an error names them."""
    return ", ".join(sorted(name for one in choices("model") if one.facts.get("invertible") for name in one.names))


@dataclass
class Module(Model):
    """A net of your own: model=module:factory, or the name of an entry point in the group hl_cli.models."""

    factory: str = described(MISSING, "module:factory")
    options: dict[str, Any] = described({}, "arguments of the factory")
