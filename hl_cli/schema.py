"""The configs of a run: every field with its meaning, unit and range. Imports no torch, so that --help is quick.

Types and choices are checked by Hydra when it composes; ranges by
hl_cli.validation, before any work.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING


def _field(default: Any, meaning: str, **bounds: Any) -> Any:
    """Make a field with its meaning and what is allowed: choices, or above, below, least, most."""
    metadata = {"meaning": meaning, "choices": bounds.pop("choices", None), "bounds": bounds}
    if isinstance(default, list):
        return field(default_factory=lambda: list(default), metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass
class Stream:
    """Where samples come from."""

    name: str = _field(MISSING, "name in files and titles")
    dataset: str = _field(MISSING, "table: digits, iris, wine, breast_cancer")
    ticks: int = _field(1, "ticks that the features of a sample are cut into", least=1)
    held_out: float = _field(0.2, "part of the samples kept for evaluation", above=0, below=1)


@dataclass
class Model:
    """A net; what each kind has beside its name is below."""

    name: str = _field(MISSING, "linear, mlp, rnn, gru, lstm")


@dataclass
class Linear(Model):
    """One linear layer."""

    name: str = _field(MISSING, "name in files and titles", choices=("linear",))


@dataclass
class MLP(Model):
    """Hidden layers and a linear head."""

    name: str = _field(MISSING, "name in files and titles", choices=("mlp",))
    hidden: list[int] = _field([32], "neurons of each hidden layer", least=1, most=10**6)
    activation: str = _field("tanh", "of the hidden layers", choices=("tanh", "relu"))


@dataclass
class Recurrent(Model):
    """A stack of cells and a linear head."""

    name: str = _field(MISSING, "kind of the cells", choices=("rnn", "gru", "lstm"))
    hidden: int = _field(32, "neurons of each cell", least=1, most=10**6)
    layers: int = _field(1, "cells above one another", least=1, most=1000)


@dataclass
class Split:
    """Which part of the net is the state net, which the output net."""

    name: str = _field(MISSING, "name of the split", choices=("output", "state", "state_output"))


@dataclass
class Scenario:
    """The optimizer: either SGD's numbers (HL's follow) or HL's own (the SGD that equals it follows)."""

    name: str = _field(MISSING, "name in files and titles")
    lr: float | None = _field(None, "learning rate of SGD", above=0)
    momentum: float | None = _field(None, "momentum of SGD", least=0, below=1)
    dampening: float | None = _field(None, "dampening of SGD", least=0, most=1)
    weight_decay: float | None = _field(None, "weight decay, the same number for SGD and HL", least=0)
    beta: float | None = _field(None, "weight velocity gain of HL", above=0)
    eta: float | None = _field(None, "dissipation of the weight costates of HL, 1/time (default 1/tau)", least=0)
    phi: float | None = _field(None, "weight of the loss in the Hamiltonian, 1/time (default 1/tau)", least=0)


@dataclass
class Integrator:
    """The order of an Euler step."""

    name: str = _field(MISSING, "name of the order", choices=("semi_implicit_euler", "explicit_euler"))


@dataclass
class Paths:
    """Folders."""

    outputs: str = _field("outputs", "folder of all runs; hydra.run.dir=DIR names the folder of one run")


@dataclass
class Run:
    """A side-by-side run."""

    stream: Stream = MISSING
    model: Model = MISSING
    split: Split = MISSING
    scenario: Scenario = MISSING
    integrator: Integrator = MISSING
    paths: Paths = MISSING
    steps: int = _field(5000, "weight steps", least=1, most=10**12)
    batch_size: int = _field(1, "samples a step; 1 is learning over time", least=1, most=10**6)
    seed: int = _field(0, "of weights, data split and order", least=0, most=2**32 - 1)
    dtype: str = _field("float32", "of weights, states and data", choices=("float32", "float64"))
    device: str = _field("cpu", "cpu, cuda, mps")
    threads: int = _field(1, "CPU threads of torch; at batch 1 one is fastest", least=1, most=1024)
    tau: float = _field(1.0, "Euler step of HL, time units", above=0)
    memory: str = _field(
        "recompute",
        "what a state net keeps of a sequence: h alone, or every tick's tape",
        choices=("recompute", "store"),
    )
    eval_every: int = _field(500, "steps between held-out evaluations; 0: at the end only", least=0)
    log_every: int = _field(50, "steps between weight differences, physics and TensorBoard points", least=1)
    expect: str | None = _field(
        None, "the verdict wanted, or better; any other exits 3", choices=("identical", "round_off")
    )


MODELS = {"linear": Linear, "mlp": MLP, "rnn": Recurrent, "gru": Recurrent, "lstm": Recurrent}


def register() -> None:
    """Tell Hydra the types of the config groups; configs/ names them in its defaults lists."""
    from hydra.core.config_store import ConfigStore

    store = ConfigStore.instance()
    store.store(group="schema", name="run", node=Run)
    for kind in (Stream, Linear, MLP, Recurrent, Split, Scenario, Integrator, Paths):
        store.store(group="schema", name=kind.__name__.lower(), node=kind)
