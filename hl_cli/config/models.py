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
class Linear(Model):
    """One linear layer."""

    name: str = described(MISSING, "name in files and titles", choices=("linear",))


@dataclass
class MLP(Model):
    """Hidden layers and a linear head."""

    name: str = described(MISSING, "name in files and titles", choices=("mlp",))
    hidden: list[int] = described([32], "neurons of each hidden layer", least=1, most=10**6)
    activation: str = described("tanh", "of the hidden layers", choices=("tanh", "relu"))


@dataclass
class CNN(Model):
    """Convolutions of 3x3, each with its activation and a pooling of 2x2, and a linear head."""

    name: str = described(MISSING, "name in files and titles", choices=("cnn",))
    channels: list[int] = described([8, 16], "of each convolution", least=1, most=10**5)
    activation: str = described("relu", "of the convolutions", choices=("tanh", "relu"))


@dataclass
class StateNet(Model):
    """A stack of cells and a head."""

    hidden: int = described(32, "neurons of each cell", least=1, most=10**6)
    layers: int = described(1, "cells above one another", least=1, most=1000)
    head: list[int] | None = described(
        None, "neurons of each hidden layer (tanh) of the output net; null: it is linear", least=1, most=10**6
    )


@dataclass
class Recurrent(StateNet):
    """PyTorch's cells."""

    name: str = described(MISSING, "kind of the cells", choices=("rnn", "gru", "lstm"))


@dataclass
class Rotation(StateNet):
    """Pairs that turn by learnt angles: h' = R(angles) h + gain (B x + b)."""

    name: str = described(MISSING, "name in files and titles", choices=("rotation",))
    damping: float = described(1.0, "factor of the state at every tick; 1: none", above=0, most=1)
    gain: float = described(0.3, "factor of the push by the input", above=0)


@dataclass
class Antisymmetric(StateNet):
    """An orthogonal matrix from an antisymmetric generator: h' = exp(A) h + gain (B x + b)."""

    name: str = described(MISSING, "name in files and titles", choices=("antisymmetric",))
    scale: float = described(1.0, "A = scale (W - W^T)/2, 1/tick", above=0)
    gain: float = described(0.3, "factor of the push by the input", above=0)


@dataclass
class Leapfrog(StateNet):
    """Positions and momenta that move by turns, with tanh forces."""

    name: str = described(MISSING, "name in files and titles", choices=("leapfrog",))
    eps: float = described(0.3, "step of kick and drift, ticks", above=0)


@dataclass
class Diagonal(StateNet):
    """Neurons that remember themselves alone, each by a factor that is learnt; complex ones as pairs."""

    name: str = described(MISSING, "name in files and titles", choices=("diagonal", "complex_diagonal"))


@dataclass
class ElementwiseLSTM(StateNet):
    """LSTM units that do not see one another: each gate sees the input and its own unit."""

    name: str = described(MISSING, "name in files and titles", choices=("elementwise_lstm",))


@dataclass
class Oscillators(Model):
    """Pairs that turn by learnt frequencies, from a state computed of the first input; the others are not seen."""

    name: str = described(MISSING, "name in files and titles", choices=("oscillators",))
    hidden: int = described(32, "pairs", least=1, most=10**6)
    step: float = described(0.1, "seconds a tick; frequencies are drawn from U(0, 1) rad/s", above=0)
    frozen: bool = described(False, "frequencies stay as they were drawn")
    readout: str = described(
        "one", "one head for all, or a row for each description of the stream", choices=("one", "each")
    )
    head: list[int] | None = described(
        None,
        "readout=one: neurons of each hidden layer (tanh) of the output net; null: it is linear",
        least=1,
        most=10**6,
    )


@dataclass
class Leaky(StateNet):
    """Tanh cells slower than the clock: h' = h + leak (tanh(..) - h)."""

    name: str = described(MISSING, "name in files and titles", choices=("leaky_rnn",))
    leak: float = described(0.5, "tau rate: part of the way to the cell's value in a tick", above=0, most=1)


@dataclass
class Module(Model):
    """A net of your own: model=module:factory, or the name of an entry point in the group hl_cli.models."""

    factory: str = described(MISSING, "module:factory")
    options: dict[str, Any] = described({}, "arguments of the factory")


MODELS: dict[str, type[Model]] = {
    "linear": Linear,
    "mlp": MLP,
    "cnn": CNN,
    "rnn": Recurrent,
    "gru": Recurrent,
    "lstm": Recurrent,
    "rotation": Rotation,
    "antisymmetric": Antisymmetric,
    "leapfrog": Leapfrog,
    "diagonal": Diagonal,
    "complex_diagonal": Diagonal,
    "elementwise_lstm": ElementwiseLSTM,
    "leaky_rnn": Leaky,
    "oscillators": Oscillators,
}
