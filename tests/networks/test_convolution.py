"""Convolutions: the pull-back against autograd, bit for bit, and the net as its blocks."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from itertools import islice

import pytest
import torch
from torch import nn

from hl_cli.dynamics.accumulator import GradientAccumulator
from hl_cli.dynamics.equivalence import SGD, physics_of
from hl_cli.errors import BadInput
from hl_cli.learners.hamiltonian import HamiltonianLearner
from hl_cli.learners.pytorch import PyTorchLearner
from hl_cli.networks.chain import Chain
from hl_cli.networks.convolutional import Convolution, Image, convolution_blocks, convolutional
from hl_cli.networks.feedforward import ACTIVATIONS
from hl_cli.networks.splits import SPLITS, split_chain
from hl_cli.streams.tabular import TabularStream
from tests.covering import one_in


@pytest.fixture(params=[1, 2])
def threads(request: pytest.FixtureRequest) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield
    torch.set_num_threads(before)


@one_in(5)
@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("batch", [1, 3, 16, 32])
@pytest.mark.parametrize("channels", [1, 8, 17])
@pytest.mark.parametrize("image", [(1, 28, 28), (3, 7, 5), (8, 14, 14), (2, 2, 3)])
@pytest.mark.parametrize("want_x", [True, False])
def test_pull_back_has_the_bits_of_autograd(
    image: Image, channels: int, batch: int, activation: str, dtype: torch.dtype, want_x: bool
) -> None:
    torch.manual_seed(batch + channels)
    conv = nn.Conv2d(image[0], channels, 3, padding=1, dtype=dtype)
    block = Convolution(conv, image, activation)
    size = image[0] * image[1] * image[2]
    x = torch.randn(batch, 3, size, dtype=dtype)[:, 1].requires_grad_(want_x)  # a tick of a sequence
    layers = [nn.Flatten(), nn.Unflatten(1, image), conv, ACTIVATIONS[activation][0](), nn.MaxPool2d(2), nn.Flatten()]
    out = nn.Sequential(*layers)(x)
    z = torch.randn_like(out)
    expected = torch.autograd.grad(out, [*([x] if want_x else []), *block.parameters], z)
    drive = GradientAccumulator.of(*block.parameters)
    with torch.no_grad():
        found, tape = block.record(x.detach(), (), want_x)
        pulled = block.vjp(tape, (z,), drive, want_x)
        (again,) = block.candidate(x.detach(), ())
    assert (pulled.x is not None) == want_x and pulled.h == ()
    got = [*([pulled.x] if want_x else []), *(drive[p] for p in block.parameters)]
    for value, wanted in zip([*found, again, *got], [out, out, *expected], strict=True):
        assert value is not None and torch.equal(value, wanted)


def test_pull_back_against_finite_differences() -> None:
    """(dF/dtheta)^T z and (dF/dx)^T z along a random direction, by central differences in float64."""
    torch.manual_seed(3)
    block = Convolution(nn.Conv2d(2, 3, 3, padding=1, dtype=torch.float64), (2, 5, 4), "tanh")
    x, z, step = torch.randn(2, 40).double(), torch.randn(2, 12).double(), 1e-6
    drive = GradientAccumulator.of(*block.parameters)
    with torch.no_grad():
        pulled = block.vjp(block.record(x, ())[1], (z,), drive)
        assert pulled.x is not None
        for value, costate in [(x, pulled.x), *((p, drive[p]) for p in block.parameters)]:
            along = torch.randn_like(value)
            sides = []
            for sign in (1, -1):
                value.add_(along, alpha=sign * step)
                sides.append(float((block.candidate(x, ())[0] * z).sum()))
                value.sub_(along, alpha=sign * step)
            assert float((costate * along).sum()) == pytest.approx((sides[0] - sides[1]) / (2 * step), rel=1e-6)


@pytest.mark.parametrize("ticks", [1, 28, 784])
def test_the_blocks_are_the_net(ticks: int) -> None:
    """Whole samples, or their ticks side by side: the same numbers, and the weights are shared."""
    torch.manual_seed(0)
    net = convolutional((1, 28, 28), [4, 6], 10, "relu")
    assert [name for name, _ in net.named_parameters()] == [
        f"{layer}.{what}" for layer in ("convolution1", "convolution2", "head") for what in ("weight", "bias")
    ]
    chain = Chain(convolution_blocks(net, "relu"))
    assert all(a is b for a, b in zip(chain.parameters, net.parameters(), strict=True))
    x, z = torch.randn(5, ticks, 784 // ticks), torch.randn(5, 10)
    y = net(x)
    expected = torch.autograd.grad(y, chain.parameters, z)
    for inputs in (x, x.flatten(1)):
        drive = GradientAccumulator.of(*chain.parameters)
        with torch.no_grad():
            (found,), tape = chain.record(inputs, (), want_x=True)
            pulled = chain.vjp(tape, (z,), drive)
        assert torch.equal(found, y) and pulled.x is not None and pulled.x.shape == inputs.shape
        assert all(torch.equal(drive[p], g) for p, g in zip(chain.parameters, expected, strict=True))


@pytest.mark.parametrize("batch", [1, 32])
@pytest.mark.parametrize("split", SPLITS)
def test_hl_and_sgd_stay_equal_to_the_bit(split: str, batch: int) -> None:
    torch.manual_seed(0)
    stream = TabularStream("digits", 8, batch_size=batch)
    assert stream.image is not None
    net = convolutional(stream.image, [4, 8], 10, "tanh")
    mine = copy.deepcopy(net)
    sgd = SGD(lr=0.05, momentum=0.9)
    loss = nn.functional.cross_entropy
    hl = HamiltonianLearner(split_chain(mine, convolution_blocks(mine, "tanh"), split), loss, physics_of(sgd))
    stock = PyTorchLearner(net, loss, torch.optim.SGD, lr=sgd.lr, momentum=sgd.momentum)
    for sample in islice(stream, 30):
        said, wanted = hl.step(sample, observe=True), stock.step(sample)
        assert said.loss == wanted.loss and torch.equal(said.prediction, wanted.prediction)
    for name, w in stock.weights().items():
        assert torch.equal(hl.weights()[name], w)


def test_an_image_may_not_vanish() -> None:
    assert convolutional((1, 28, 28), [2] * 4, 10, "relu").head.in_features == 2
    with pytest.raises(
        BadInput, match=r"model.channels=\[2, 2, 2\]: an image of 12x7 .* at most 2 numbers of channels"
    ):
        convolutional((1, 12, 7), [2] * 3, 10, "relu")
