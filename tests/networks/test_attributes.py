"""What a net holds outside its state_dict(): it is given back, or named as what a checkpoint cannot hold."""

from __future__ import annotations

import collections
import copy
import io
import random
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from hl_cli.networks.attributes import Attributes, CannotSave


class Own(nn.Module):
    """A net of a user's, with a state of each plain kind; `change` is what else a forward pass does."""

    def __init__(self, change: Any = None) -> None:
        super().__init__()
        self.linear = nn.Linear(3, 3)
        self.change, self.parts = change, [self.linear]
        self.count, self.hidden, self.past = 0, torch.zeros(1, 3), {"last": [torch.zeros(3)], "size": torch.Size([3])}
        self.dice = torch.Generator().manual_seed(1)
        self.queue, self.draw, self.coin = collections.deque([1]), np.random.default_rng(0), random.Random(0)
        self.register_buffer("mean", torch.zeros(3), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        y = self.linear(x + self.hidden + self.mean + 0.1 * torch.rand(3, generator=self.dice)) * (1 + self.count)
        self.count += 1
        self.hidden = y.detach().tanh()
        self.past["last"] = [self.hidden[0], *self.past["last"]][:3]
        self.mean += 0.1 * self.past["last"][-1]
        self.recent = self.hidden  # one that was not there
        if self.change:
            self.change(self)
        return y


def through_a_file(state: Any) -> Any:
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def test_it_goes_on_as_if_nothing_had_been() -> None:
    first = Own()
    second = copy.deepcopy(first)
    of_first, of_second = Attributes(first), Attributes(second)
    assert of_first.state_dict() == []
    x = torch.randn(1, 3, generator=torch.Generator().manual_seed(0))
    for _ in range(4):
        first(x)
    state = through_a_file(of_first.state_dict())
    assert {key for _, key, _ in state} == {"count", "hidden", "past", "dice", "mean", "recent"}
    of_second.load_state_dict(state)
    for _ in range(4):
        assert torch.equal(first(x), second(x))
    assert [*map(str, of_first.state_dict())] == [*map(str, of_second.state_dict())]


def test_weights_that_learn_and_buffers_are_no_attributes() -> None:
    net = nn.Sequential(Own(), nn.BatchNorm1d(3))
    attributes = Attributes(net)
    with torch.no_grad():
        net[0].linear.weight += 1
    net[1].running_mean += 1
    assert attributes.state_dict() == []
    net[1].running_mean = torch.zeros(3)
    torch.empty(3)  # might come to lie where the buffer was
    assert attributes.state_dict() == []


CHANGES = {
    "queue, a deque": lambda net: net.queue.append(2),
    "draw, a Generator": lambda net: net.draw.random(),
    "coin, a Random": lambda net: net.coin.random(),
    "array, a ndarray": lambda net: setattr(net, "array", np.zeros(3)),
    "view is a view of its weights": lambda net: setattr(net, "view", net.linear.weight.data[0]),
    "parts, a Linear": lambda net: net.parts.append(nn.Linear(1, 1)),
    "lost its attribute queue": lambda net: vars(net).pop("queue", None),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_cannot_be_saved_is_named(what: str) -> None:
    net = Own(CHANGES[what])
    attributes = Attributes(net)
    net(torch.zeros(1, 3))
    with pytest.raises(CannotSave, match=what):
        attributes.state_dict()
