"""A stream: coins that say of themselves in which of two halves they will fall, with some noise, without end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from hl_cli.config.fields import described
from hl_cli.config.registry import choice
from hl_cli.config.stream import StreamConfig
from hl_cli.streams.base import Stream
from hl_cli.types import Sample, Task


@choice("stream", "coin_flips", home="CoinFlips", seeded=True)
@dataclass
class CoinFlipsConfig(StreamConfig):
    """Coins, and on which side they fall."""

    noise: float = described(0.1, "deviation of what is seen", least=0)


class CoinFlips(Stream):
    task, ticks, features = Task("classes", 2), 2, 3

    def __init__(self, noise: float, seed: int, batch_size: int, dtype: torch.dtype, device: str) -> None:
        super().__init__()
        self.noise, self.batch, self.dtype, self.device = noise, batch_size, dtype, device
        self.coin, self.apart = torch.Generator().manual_seed(seed), torch.Generator().manual_seed(seed + 1)

    def _draw(self, coin: torch.Generator, rows: int) -> Sample:
        side = torch.randint(2, (rows,), generator=coin)
        x = torch.randn(rows, self.ticks, self.features, generator=coin) * self.noise + (2 * side - 1)[:, None, None]
        return Sample(x.to(self.device, self.dtype), side.to(self.device))

    def __next__(self) -> Sample:
        return self._draw(self.coin, self.batch)

    def held_out(self) -> Sample:
        return self._draw(self.apart.manual_seed(self.apart.initial_seed()), 100)

    def state_dict(self) -> dict[str, Any]:
        return {"coin": self.coin.get_state()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.coin.set_state(state["coin"])
