"""The configs of schemes: in which order blocks see one another. The class of a config says which learner is built."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from omegaconf import MISSING

from hl_cli.config.fields import described


@dataclass
class Scheme:
    """Who sees what within a step; what each kind has beside its name is below."""

    name: str = described(MISSING, "name in files and titles")


@dataclass
class Global(Scheme):
    """The costate runs through the whole net at once, over the whole sample: back-propagation."""

    name: str = described(MISSING, "name in files and titles", choices=("global",))


@dataclass
class Staged(Scheme):
    """What the schemes share in which each block is on its own."""

    blocks: Any = described(None, "how many blocks, or [the layers, from 1, before which to cut]; null: a layer each")
    devices: list[str] | None = described(None, "where the blocks sit, bottom first, in one process; null: on device")


@dataclass
class Blocks(Staged):
    """Each block back-propagates inside itself; h and costate pass between blocks within the tick."""

    name: str = described(MISSING, "name in files and titles", choices=("blocks",))


@dataclass
class Wave(Staged):
    """A sample is held for 2D ticks; each block updates at the tick when its costate passes."""

    name: str = described(MISSING, "name in files and titles", choices=("wave",))


@dataclass
class Local(Staged):
    """Each block reads only what its neighbours showed a tick ago; a sample enters at every tick."""

    name: str = described(MISSING, "name in files and titles", choices=("local",))
    stash: bool = described(False, "keep the last 2(D-i)+2 inputs of block i, so that its costate meets its own input")


@dataclass
class Forward(Scheme):
    """Nothing ends: states and costates live on from tick to tick, and the weights move at each."""

    name: str = described(MISSING, "name in files and titles", choices=("forward",))
    eta_z: float = described(0.0, "dissipation of the neuron costates, 1/time, beside their leak", least=0)
    rate: float | None = described(
        None, "leak rate of the neurons, 1/time; null: 1/tau, no memory but the net's", above=0
    )
    sign: int = described(
        -1, "-1: costates run forward in time; 1: the plain Hamilton equations, unstable so", choices=(-1, 1)
    )
    reset: str = described("never", "when neurons return to rest", choices=("never", "sample"))
    carry: bool = described(
        True, "costates are carried from tick to tick; false: zeroed before each, truncated BPTT with window 1"
    )
    rise: int = described(0, "ticks in which phi rises from 0 to its value", least=0)


SCHEMES: tuple[type[Scheme], ...] = (Global, Blocks, Local, Wave, Forward)
