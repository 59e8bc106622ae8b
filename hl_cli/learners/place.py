"""What an arm is built from, where its own file says how: the home of its `choice` makes a learner of a Place."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from hl_cli.networks.losses import Loss
from hl_cli.streams.base import Stream


@dataclass(frozen=True)
class Place:
    """The place of a learner in a run.

    module: a net of its own, (batch, ticks, features) to (rows, outputs), with the initial weights that all arms of
    this net have; loss: of a prediction and a target, a mean over the rows; lr: the learning rate, of the arm or else
    of the scenario; reset: when states return to rest, "never" or "sample". What it makes is a
    hl_cli.learners.base.Learner that says of itself in `described` what it is, in words, with its numbers, and in
    `another_method` why it is not meant to equal the reference.
    """

    module: nn.Module
    loss: Loss
    stream: Stream
    outputs: int
    lr: float
    reset: str = "never"
