r"""Ring: the tanh cell whose neurons begin as pairs that turn and fade, each pair at a pace of its own.

    h' = tanh(W_ih x + b_ih + W_hh h + b_hh)

Every neuron sees all others, and all weights learn. At first W_hh is block-diagonal: neurons i and i + n/2 turn by an
angle drawn from the circle and shrink by a modulus r between ring[0] and ring[1], drawn as in a disc; W_ih is N(0, 1)
times gain sqrt(1 - r^2), the biases are 0. So the first net remembers as `trace_units` do, but for tanh.

A unit is a pair: with credit=eligibility D is the 2 x 2 block of the derivative by which a pair sees itself, so that at
first D = A. Sources: Orvieto et al., Resurrecting Recurrent Neural Networks for Long Sequences, 2023 (the ring); Menick
et al., Practical Real Time Recurrent Learning with a Sparse Approximation, 2021 (D by blocks).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from omegaconf import MISSING
from torch import Tensor, nn

from hl_cli.config.fields import described
from hl_cli.config.models import StateNet
from hl_cli.config.registry import choice
from hl_cli.dynamics.hamiltonian import Costate
from hl_cli.errors import BadInput
from hl_cli.networks.blocks import Tape
from hl_cli.networks.moduli import squared_moduli
from hl_cli.networks.recurrent import TanhCell
from hl_cli.networks.state_nets import StateNetKind
from hl_cli.networks.two_maps import TwoMaps
from hl_cli.networks.units import Lanes, Local, Sheet


class RingRNNCell(nn.RNNCell):
    """torch.nn.RNNCell that begins as hidden/2 turning pairs. Raises BadInput for an odd number of neurons."""

    def __init__(self, features: int, hidden: int, ring: Sequence[float] = (0.9, 0.999), gain: float = 1.0) -> None:
        if hidden % 2:
            raise BadInput(f"model.hidden={hidden}: allowed: even numbers, for neurons of ring_rnn are pairs")
        super().__init__(features, hidden)
        r = squared_moduli(ring, hidden // 2).sqrt()
        angles = 2 * math.pi * torch.rand(hidden // 2)
        c, s = torch.diag(r * angles.cos()), torch.diag(r * angles.sin())
        with torch.no_grad():
            self.weight_hh.copy_(torch.cat((torch.cat((c, 0.0 - s), 1), torch.cat((s, c), 1))))  # no zero is -0
            self.weight_ih.normal_().mul_((gain * (1 - r * r).sqrt()).repeat(2).unsqueeze(1))
            self.bias_ih.zero_()
            self.bias_hh.zero_()


class PairLanes(Lanes):
    """Of units that are pairs of neurons of one state tensor: neuron i belongs to unit i modulo their number."""

    def by_unit(self, z: Costate) -> Costate:
        """(batch, n) as two of (batch, n/2)."""
        return (None, None) if z[0] is None else z[0].chunk(2, 1)


class RingCell(TanhCell):
    """RingRNNCell as a block; the tape is (x, h, F)."""

    def __init__(self, cell: nn.RNNCellBase) -> None:
        super().__init__(cell)
        self.units = cell.hidden_size // 2
        self.direct = TwoMaps(2, cell.hidden_size, 2, self.units)
        self._posts = Sheet(lambda x: x.new_zeros(2, 1, 2, len(x), self.units))

    def lanes(self) -> PairLanes:
        """Pair by pair."""
        return PairLanes(super().lanes().parameters, self.units)

    def local(self, tape: Tape) -> Local:
        """1 - F^2 of each neuron of a pair, and through it the four weights by which the pair sees itself."""
        x, h, f = tape
        post: Tensor = self._posts(x)
        slope = (1 - f * f).view(len(f), 2, self.units).transpose(0, 1).unsqueeze(1)
        post[:, 0].diagonal(0, 0, 1).permute(2, 0, 1).copy_(slope[:, 0])
        pairs = self.cell.weight_hh.view(2, self.units, 2, self.units).diagonal(0, 1, 3)
        own = tuple(slope * by.unsqueeze(1).unsqueeze(1) for by in pairs.unbind(1))
        return Local(own, self.direct(x, h, post, post))


@choice("model", "ring_rnn", home="ring_rnn")
@dataclass
class RingRNNConfig(StateNet):
    """Tanh cells whose neurons begin as turning pairs, each seeing all."""

    name: str = described(MISSING, "name in files and titles", choices=("ring_rnn",))
    ring: list[float] = described([0.9, 0.999], "least and largest modulus at first, above 0 and below 1")
    gain: float = described(1.0, "factor of the input weights at first", above=0)


ring_rnn = StateNetKind(ring_rnn=(RingRNNCell, RingCell))
