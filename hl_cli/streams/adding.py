r"""The adding problem: two numbers of a sequence are marked, and their sum is asked for at its end.

    u_t = (v_t, m_t)     v_t ~ U(0, 1); m_t is 1 at one tick of the first half and at one of the second, else 0
    target               the sum of the two marked v, at the last tick

Marks are uniform over their halves: ticks 0 to floor(T/2) - 1, and floor(T/2) to T - 1. To say 1 whatever comes has a
mean squared error of 1/6 = 0.167, the variance of the target.
Source: Hochreiter and Schmidhuber, Long Short-Term Memory, 1997, section 5.4; in this form Arjovsky, Shah, Bengio,
Unitary Evolution Recurrent Neural Networks, arXiv 1511.06464.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from hl_cli.config.fields import described
from hl_cli.config.registry import choice
from hl_cli.config.stream import StreamConfig
from hl_cli.errors import BadInput
from hl_cli.streams.drawn import Drawn
from hl_cli.types import Sample, Task


@choice("stream", "adding", home="Adding", seeded=True)
@dataclass
class AddingConfig(StreamConfig):
    """The adding problem: the sum of the two marked numbers of a sequence."""

    ticks: int = described(100, "ticks of a sequence", least=2)


class Adding(Drawn):
    """Sequences of the adding problem. Raises BadInput for fewer than 2 ticks."""

    name = "adding"

    def __init__(
        self,
        ticks: int,
        seed: int = 0,
        batch_size: int = 1,
        dtype: torch.dtype = torch.float32,
        device: str = "cpu",
    ) -> None:
        if ticks < 2:
            raise BadInput(f"stream.ticks={ticks}: allowed: at least 2, a mark in each half")
        self.origin = f"generated: two of {ticks} numbers are marked, seed {seed}"
        super().__init__(ticks, 2, Task("values", 1), seed, batch_size, dtype, device)

    def draw(self, count: int, coin: torch.Generator) -> Sample:
        """Values and marks; the sums (count, 1, 1)."""
        half = self.ticks // 2
        values = torch.rand(count, self.ticks, generator=coin, dtype=torch.float64)
        ends = ((0, half), (half, self.ticks))
        places = torch.stack([torch.randint(*between, (count,), generator=coin) for between in ends], 1)
        marks = torch.zeros_like(values).scatter_(1, places, 1.0)
        return Sample(torch.stack((values, marks), 2), values.gather(1, places).sum(1)[:, None, None])
