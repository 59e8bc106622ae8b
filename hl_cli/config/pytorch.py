"""How an arm of PyTorch trains: the fields of every such arm, and of the old top level `pytorch`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hl_cli.config.fields import described
from hl_cli.types import ENGINES


@dataclass
class PyTorch:
    """By default torch.optim.SGD with the numbers of the scenario, a sample at a time.

    At the top level, `pytorch` is what the arm of that name takes where it is given nothing: write arms.pytorch.lr=...
    """

    window: int | None = described(
        None,
        "truncated BPTT over so many ticks, the state carried across samples; null: over a sample, from rest",
        least=1,
    )
    credit: str = described(
        "bptt",
        "bptt: back over the window or the sample; rtrl: real-time recurrent learning, exact over the whole past",
        choices=("bptt", "rtrl"),
    )
    engine: str = described(
        "eager",
        "replay: with a window, the calls of its ticks are made again without Python, the same bits",
        choices=ENGINES[:2],
    )
    optimizer: str | None = described(None, "a name of torch.optim, adam, rmsprop, ...; null: that of the scenario")
    lr: float | None = described(None, "learning rate of the optimizer; null: lr of the scenario", above=0)
    options: dict[str, Any] = described({}, "other arguments of the optimizer: +arms.adam.options.eps=1e-6")
