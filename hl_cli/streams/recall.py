r"""Tasks that ask for memory: the value of a tick is a matter of inputs that came some ticks before.

    copy     u_t = +1 or -1, each as likely                 target  u_{t-delay}
    adding   u_t = (v_t, marked or not), v in U(-1, 1)      target  the sum of the last two marked values

In `adding` two marks are 1 to `delay` ticks apart, each distance as likely. Every tick counts. A net without memory
of `delay` ticks cannot do better at `copy` than to say zero, whose mean squared error is 1.
Source: Hochreiter and Schmidhuber, Long Short-Term Memory, 1997, sections 5.1 and 5.4, without their ends.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from hl_cli.config.fields import described
from hl_cli.config.registry import choice
from hl_cli.config.stream import StreamConfig
from hl_cli.errors import BadInput
from hl_cli.streams.rows import Rows
from hl_cli.streams.windows import PIECE, Windows
from hl_cli.types import Task

TASKS = ("copy", "adding")
HELD_OUT = 2**20  # number of the piece that is held out; the stream begins at 0


@choice("stream", home="Recall", seeded=True)
@dataclass
class RecallConfig(StreamConfig):
    """Generated tasks that ask for memory."""

    task: str = described(
        "copy", "copy: the input some ticks ago; adding: two marked inputs", choices=("copy", "adding")
    )
    delay: int = described(3, "ticks that must be remembered", least=1, most=4095)
    ticks: int = described(1, "ticks of a sample; each has a target", least=1)


class Questions:
    """Rows piece by piece; a piece follows from the seed and its number, and from the piece before it."""

    def __init__(self, task: str, delay: int, seed: int, first: int = 0) -> None:
        self._task, self._delay, self._seed, self._piece = task, delay, seed, first

    def _draw(self, piece: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Values, and which of them are marked, of a piece; a mark stands at its very beginning."""
        coin = torch.Generator().manual_seed((self._seed * 2**21 + piece) % 2**63)
        if self._task == "copy":
            return torch.randint(2, (PIECE,), generator=coin).double() * 2 - 1, torch.zeros(PIECE)
        values = torch.rand(PIECE, generator=coin, dtype=torch.float64) * 2 - 1
        gaps = torch.randint(1, self._delay + 1, (PIECE,), generator=coin)
        marks = torch.zeros(PIECE, dtype=torch.float64)
        places = gaps.cumsum(0) - gaps[0]
        marks[places[places < PIECE]] = 1.0
        return values, marks

    def __next__(self) -> Rows:
        before, now = self._draw(self._piece - 1), self._draw(self._piece)
        self._piece += 1
        values, marks = (torch.cat(pair) for pair in zip(before, now, strict=True))
        here = torch.arange(PIECE, 2 * PIECE)
        if self._task == "copy":
            return Rows(values[here, None], values[here - self._delay, None])
        places = marks.nonzero()[:, 0]
        last = torch.searchsorted(places, here, right=True) - 1
        target = values[places[last]] + values[places[last - 1]]
        return Rows(torch.stack((values, marks), 1)[here], target[:, None])

    def state_dict(self) -> dict[str, int]:
        """The next piece."""
        return {"piece": self._piece}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go to that piece."""
        self._piece = state["piece"]


class Recall(Windows):
    """A task of the head of this file, without end; 1,000 rows, which the stream never gives, are held out."""

    licence = "none needed"

    def __init__(
        self,
        task: str,
        delay: int,
        ticks: int = 1,
        seed: int = 0,
        batch_size: int = 1,
        dtype: torch.dtype = torch.float32,
        device: str = "cpu",
    ) -> None:
        if not 0 < delay < PIECE:
            raise BadInput(f"stream.delay={delay}: allowed: 1 to {PIECE - 1}")
        rows = next(Questions(task, delay, seed, HELD_OUT))
        count = max(1000, ticks)
        held_out = Rows(rows.inputs[:count], rows.target[:count])
        super().__init__(
            Questions(task, delay, seed), held_out, Task("values", 1, "all"), ticks, batch_size, dtype, device
        )
        self.name, self.origin = f"recall ({task})", f"generated: {task} over {delay} ticks, seed {seed}"
