r"""Feed-forward nets: `linear` and `mlp`, as a user of PyTorch writes them, and their layers as HL blocks.

Dense:  F(x) = act(x W^T + b)        g = act'(F) z
        (dF/dx)^T z = g W            (dF/dW)^T z = g^T x            (dF/db)^T z = sum over the batch of g
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from omegaconf import MISSING
from torch import Tensor, nn
from torch.nn import functional

from hl_cli.config.fields import described
from hl_cli.config.models import Model
from hl_cli.config.registry import choice
from hl_cli.dynamics.accumulator import GradientAccumulator
from hl_cli.dynamics.hamiltonian import Costate, State
from hl_cli.networks.blocks import Block, Pulled, Tape, input_costate
from hl_cli.networks.chain import Chain
from hl_cli.networks.kinds import Shape

aten = torch.ops.aten

Slope = Callable[[Tensor, Tensor], Tensor]

# activation -> (module, function, z and F(x) to act'(x) z); the last is the kernel that autograd calls
ACTIVATIONS: dict[str, tuple[type[nn.Module], Callable[[Tensor], Tensor], Slope]] = {
    "tanh": (nn.Tanh, torch.tanh, lambda z, f: aten.tanh_backward(z, f)),
    "relu": (nn.ReLU, torch.relu, lambda z, f: aten.threshold_backward(z, f, 0)),
}


class Dense(Block):
    """A torch.nn.Linear and an activation (or none): x (batch, in) to F (batch, out), no memory."""

    def __init__(self, linear: nn.Linear, activation: str | None = None) -> None:
        super().__init__([linear.weight] if linear.bias is None else [linear.weight, linear.bias])
        self.linear = linear
        self.activation = ACTIVATIONS[activation] if activation else None

    def candidate(self, x: Tensor, h: State) -> State:
        """act(x W^T + b)."""
        f = functional.linear(x, self.linear.weight, self.linear.bias)
        return (f if self.activation is None else self.activation[1](f),)

    def record(self, x: Tensor, h: State, want_x: bool = True) -> tuple[State, Tape]:
        """The tape is (x, F)."""
        out = self.candidate(x, h)
        return out, (x, out[0])

    def vjp(
        self, tape: Tape, z: Costate, drive: GradientAccumulator, want_x: bool = True, want_h: bool = True
    ) -> Pulled:
        """The formulas of this file's head."""
        x, f = tape
        g = z[0]
        assert g is not None
        if self.activation is not None:
            g = self.activation[2](g, f)
        drive.add_product(self.linear.weight, g.t(), x)
        if self.linear.bias is not None:
            drive.add_rows(self.linear.bias, g)
        return Pulled(input_costate(g, self.linear.weight, x) if want_x else None, ())


def feedforward(
    features: int, hidden: Sequence[int], outputs: int, activation: str = "tanh", every: bool = False
) -> nn.Sequential:
    """Build Flatten, (Linear, activation) per hidden width, Linear; with no hidden width it is a linear model.

    A net without memory is given the ticks of a sample side by side: (batch, ticks, f) becomes (batch, ticks * f).
    Where every tick counts each is a row of its own: (batch * ticks, f).
    """
    flat: tuple[str, nn.Module] = ("flatten", nn.Flatten(0, 1) if every else nn.Flatten())
    return nn.Sequential(OrderedDict([flat, *_layers(features, hidden, outputs, activation)]))


def head_of(width: int, hidden: Sequence[int], outputs: int) -> nn.Linear | nn.Sequential:
    """Build the output net over a state net of this width: linear, or with hidden layers of tanh."""
    return nn.Sequential(OrderedDict(_layers(width, hidden, outputs, "tanh"))) if hidden else nn.Linear(width, outputs)


def head_block(head: nn.Linear | nn.Sequential) -> Block:
    """That net as one block."""
    return Dense(head) if isinstance(head, nn.Linear) else Chain(dense_blocks(head, "tanh"))


def _layers(width: int, hidden: Sequence[int], outputs: int, activation: str) -> list[tuple[str, nn.Module]]:
    layers: list[tuple[str, nn.Module]] = []
    for k, size in enumerate(hidden, start=1):
        layers += [(f"hidden{k}", nn.Linear(width, size)), (f"{activation}{k}", ACTIVATIONS[activation][0]())]
        width = size
    return [*layers, ("head", nn.Linear(width, outputs))]


def dense_blocks(net: nn.Sequential, activation: str) -> list[Block]:
    """Return the layers of such a net as blocks that share its weights, the head last."""
    linears = [layer for layer in net if isinstance(layer, nn.Linear)]
    return [*(Dense(layer, activation) for layer in linears[:-1]), Dense(linears[-1])]


@choice("model", "linear", home="feedforward_net")
@dataclass
class LinearConfig(Model):
    """One linear layer."""

    name: str = described(MISSING, "name in files and titles", choices=("linear",))


@choice("model", "mlp", home="feedforward_net")
@dataclass
class MLPConfig(Model):
    """Hidden layers and a linear head."""

    name: str = described(MISSING, "name in files and titles", choices=("mlp",))
    hidden: list[int] = described([32], "neurons of each hidden layer", least=1, most=10**6)
    activation: str = described("tanh", "of the hidden layers", choices=("tanh", "relu"))


class FeedForward:
    """linear and mlp (hl_cli.networks.kinds.NetKind)."""

    def net(self, name: str, shape: Shape, *, hidden: Sequence[int] = (), activation: str = "tanh") -> nn.Module:
        """Without memory: it sees all ticks of a sample side by side, or each for itself where every one counts."""
        features = shape.features if shape.every else shape.features * shape.ticks
        return feedforward(features, list(hidden), shape.outputs, activation, shape.every)

    def blocks(self, name: str, net: nn.Module, device: str) -> list[Block]:
        """Its layers."""
        assert isinstance(net, nn.Sequential)
        return dense_blocks(net, activation_of(net))


def activation_of(net: nn.Sequential) -> str:
    """The name of the first activation in a net; tanh where it has none."""
    kinds = {kind: name for name, (kind, _, _) in ACTIVATIONS.items()}
    return next((kinds[type(layer)] for layer in net if type(layer) in kinds), "tanh")


feedforward_net = FeedForward()
