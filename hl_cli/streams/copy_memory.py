r"""The copying memory problem: a few symbols are shown, and asked for after a delay of blanks.

    ticks 1 to length            symbols 1 to `symbols`, each as likely           target 0, the blank
    delay - 1 ticks              the blank                                         target 0
    1 tick                       the marker: recall now                            target 0
    the last `length` ticks      the blank                                         target the symbols, in their order

A sequence has delay + 2 length ticks; inputs are one-hot over blank, symbols and marker, classes are blank and symbols;
every tick counts. A net without memory cannot do better than to say 0 until the marker and any symbol after it: its
cross entropy is length ln(symbols) / (delay + 2 length).
Source: Arjovsky, Shah, Bengio, Unitary Evolution Recurrent Neural Networks, arXiv 1511.06464, section 5.1.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional

from hl_cli.config.fields import described
from hl_cli.config.registry import choice
from hl_cli.config.stream import StreamConfig
from hl_cli.streams.drawn import Drawn
from hl_cli.types import Sample, Task


@choice("stream", "copy_memory", home="CopyMemory", seeded=True)
@dataclass
class CopyMemoryConfig(StreamConfig):
    """The copying memory problem: symbols that are asked for after a delay."""

    delay: int = described(100, "ticks between the last symbol and the first tick of recall", least=1)
    symbols: int = described(8, "different symbols, beside the blank and the marker", least=2)
    length: int = described(10, "symbols to be remembered", least=1)


class CopyMemory(Drawn):
    """Sequences of the copying memory problem."""

    name = "copy_memory"

    def __init__(
        self,
        delay: int,
        symbols: int = 8,
        length: int = 10,
        seed: int = 0,
        batch_size: int = 1,
        dtype: torch.dtype = torch.float32,
        device: str = "cpu",
    ) -> None:
        self._symbols, self._length = symbols, length
        self.origin = f"generated: {length} of {symbols} symbols, recalled after {delay} ticks, seed {seed}"
        task = Task("classes", symbols + 1, "all")
        super().__init__(delay + 2 * length, symbols + 2, task, seed, batch_size, dtype, device)

    def draw(self, count: int, coin: torch.Generator) -> Sample:
        """One-hot symbols, blanks and marker; the classes of all ticks (count, ticks)."""
        shown = torch.randint(1, self._symbols + 1, (count, self._length), generator=coin)
        seen = torch.zeros(count, self.ticks, dtype=torch.int64)
        seen[:, : self._length] = shown
        seen[:, -self._length - 1] = self._symbols + 1
        target = torch.zeros_like(seen)
        target[:, -self._length :] = shown
        return Sample(functional.one_hot(seen, self._symbols + 2).double(), target)
