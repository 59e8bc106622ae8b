r"""Convolutional nets: `cnn`, as a user of PyTorch writes it, and its layers as HL blocks.

A convolution is 3x3 with a border of zeros, so that it keeps height and width; a pooling halves both. With * the
cross-correlation that torch.nn.Conv2d computes:

    Convolution:  a = act(x * W + b)        F(x) = the largest a in each window of 2x2
                  q = z at the place of that largest a, 0 elsewhere        g = act'(a) q
                  (dF/dx)^T z = g convolved with W        (dF/dW)^T z = sum over the batch of x * g
                  (dF/db)^T z = sum over the batch and the pixels of g

The pull-back calls the kernels of autograd in autograd's order: on the CPU it gives its bits.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
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
from hl_cli.errors import NoSuchCombination
from hl_cli.networks.blocks import Block, Pulled, Tape
from hl_cli.networks.feedforward import ACTIVATIONS, Dense, activation_of
from hl_cli.networks.kinds import Shape

aten = torch.ops.aten

Image = tuple[int, int, int]  # channels, height, width

ONE, NONE, TWO = [1, 1], [0, 0], [2, 2]


class Convolution(Block):
    """Convolution, activation, pooling: x (batch, C H W), or cut into ticks, to F (batch, C' H/2 W/2), no memory.

    conv: 3x3 with padding 1 and a bias; image: (C, H, W). An odd last row or column is not pooled.
    """

    def __init__(self, conv: nn.Conv2d, image: Image, activation: str) -> None:
        assert conv.bias is not None
        super().__init__([conv.weight, conv.bias])
        self.weight, self.bias, self.image = conv.weight, conv.bias, image
        self.activation = ACTIVATIONS[activation]

    def candidate(self, x: Tensor, h: State) -> State:
        """The pooled image, flat, so that a state is (batch, width) as everywhere."""
        return self.record(x, h)[0]

    def record(self, x: Tensor, h: State, want_x: bool = True) -> tuple[State, Tape]:
        """The tape is (x, a, where each window is largest)."""
        a = self.activation[1](functional.conv2d(self._seen(x), self.weight, self.bias, padding=1))
        f, largest = functional.max_pool2d_with_indices(a, TWO)
        return (f.flatten(1),), (x, a, largest)

    def vjp(
        self, tape: Tape, z: Costate, drive: GradientAccumulator, want_x: bool = True, want_h: bool = True
    ) -> Pulled:
        """The formulas of this file's head."""
        x, a, largest = tape
        assert z[0] is not None
        g = z[0].reshape(largest.shape)
        g = aten.max_pool2d_with_indices_backward(g, a, TWO, TWO, NONE, ONE, False, largest)
        g = self.activation[2](g, a)
        below, weight, bias = aten.convolution_backward(
            g, self._seen(x), self.weight, [len(self.bias)], ONE, ONE, ONE, False, NONE, 1, [want_x, True, True]
        )
        drive.add(self.weight, weight)
        drive.add(self.bias, bias)
        return Pulled(below.reshape(x.shape) if want_x else None, ())

    def _seen(self, x: Tensor) -> Tensor:
        return x.reshape(-1, *self.image)


def pooled(image: Image, channels: int) -> Image:
    """Shape of the image after one stage with so many channels."""
    return channels, image[1] // 2, image[2] // 2


def convolutional(image: Image, channels: Sequence[int], outputs: int, activation: str = "relu") -> nn.Sequential:
    """Build Unflatten, (Conv2d, activation, MaxPool2d) per channel count, Flatten, Linear.

    image: (channels, height, width) of what the ticks of a sample, side by side, are. Raises BadInput for so many
    stages that no pixel is left.
    """
    layers: list[tuple[str, nn.Module]] = [("flatten", nn.Flatten()), ("image", nn.Unflatten(1, image))]
    here = image
    for k, size in enumerate(channels, start=1):
        layers.append((f"convolution{k}", nn.Conv2d(here[0], size, 3, padding=1)))
        layers += [(f"{activation}{k}", ACTIVATIONS[activation][0]()), (f"pool{k}", nn.MaxPool2d(2))]
        here = pooled(here, size)
    if 0 in here:
        stages = min(image[1:]).bit_length() - 1
        raise NoSuchCombination(
            f"model.channels={list(channels)}: an image of {image[1]}x{image[2]} pixels cannot be halved "
            f"{len(channels)} times; allowed: at most {stages} numbers of channels"
        )
    layers += [("maps", nn.Flatten()), ("head", nn.Linear(here[0] * here[1] * here[2], outputs))]
    return nn.Sequential(OrderedDict(layers))


def convolution_blocks(net: nn.Sequential, activation: str) -> list[Block]:
    """Return the stages of `convolutional` as blocks that share its weights, the head last."""
    image: Image = net.image.unflattened_size  # type: ignore[assignment, union-attr]
    blocks: list[Block] = []
    for layer in net:
        if isinstance(layer, nn.Conv2d):
            blocks.append(Convolution(layer, image, activation))
            image = pooled(image, layer.out_channels)
    return [*blocks, Dense(net.head)]  # type: ignore[arg-type]


@choice("model", "cnn", home="convolutional_net")
@dataclass
class CNNConfig(Model):
    """Convolutions of 3x3, each with its activation and a pooling of 2x2, and a linear head."""

    name: str = described(MISSING, "name in files and titles", choices=("cnn",))
    channels: list[int] = described([8, 16], "of each convolution", least=1, most=10**5)
    activation: str = described("relu", "of the convolutions", choices=("tanh", "relu"))


class ConvolutionalNet:
    """cnn (hl_cli.networks.kinds.NetKind)."""

    def net(self, name: str, shape: Shape, *, channels: Sequence[int], activation: str) -> nn.Module:
        """For streams of images that are seen whole."""
        if shape.image is None or shape.every:
            raise NoSuchCombination("model=cnn: the stream gives no images; allowed: digits, mnist and the like, flat")
        return convolutional(shape.image, list(channels), shape.outputs, activation)

    def blocks(self, name: str, net: nn.Module, device: str) -> list[Block]:
        """Its stages."""
        assert isinstance(net, nn.Sequential)
        return convolution_blocks(net, activation_of(net))


convolutional_net = ConvolutionalNet()
