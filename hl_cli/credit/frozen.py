"""Neurons of their own whose weights stay: a copy that goes on from where others are, or neurons at rest."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from hl_cli.credit.readout import Readout
from hl_cli.networks.online import OnlineChain, flat, nested
from hl_cli.networks.sequence import joined
from hl_cli.networks.splits import Split


class FrozenNeurons:
    """Called with u of the next tick, they say y. on: whether they go on from the others, of its last row."""

    def __init__(self, others: OnlineChain, readout: Readout, on: bool) -> None:
        self._neurons, self._readout = others.plain(), readout
        if on:
            self._neurons.follow(others)

    def __call__(self, u: Tensor) -> Tensor:
        """y, (batch, outputs)."""
        return self._readout.show(self._neurons.tick(u))

    def over(self, split: Split, parts: Sequence[Tensor]) -> Tensor:
        """y at the ticks that count of samples, parts of (batch, ticks, features): (rows, outputs)."""
        said = []
        for part in parts:
            shown = [self(u) for u in split.ticks(part)]
            said.append(joined(shown if split.every else shown[-1:]))
        return torch.cat(said)

    def states(self) -> list[Tensor]:
        """All that the next tick goes on from; nothing before the first, at rest."""
        return flat(self._neurons.after)

    def carry_on(self, states: Sequence[Tensor]) -> None:
        """Be as after a tick that left these."""
        self._neurons.after = nested(states, self._neurons.after)
