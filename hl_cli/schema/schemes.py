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
    carry: bool = described(True, "costates live on; false: zeroed before each tick, truncated BPTT with window 1")
    rise: int = described(0, "ticks in which phi rises from 0 to its value", least=0)


SCHEMES: tuple[type[Scheme], ...] = (Global, Forward)
