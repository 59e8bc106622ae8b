r"""The PyTorch arm on a stream that never ends: truncated back-propagation through time.

The state of the net is carried across samples. Every `window` ticks the mean loss of the ticks that counted is sent
back over them, the optimizer takes a step, and the states are cut off from their past.
Source: Williams and Peng, An Efficient Gradient-Based Algorithm for On-Line Training of Recurrent Network
Trajectories, 1990.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from hl_cli.dynamics.guards import all_finite, finite
from hl_cli.learners.base import evaluating
from hl_cli.learners.pytorch import PyTorchLearner
from hl_cli.networks.losses import Loss
from hl_cli.networks.recurrent import Recurrent, States
from hl_cli.networks.sequence import joined, parted
from hl_cli.types import LearnerRecord, Sample


class TruncatedLearner(PyTorchLearner):
    """window: ticks that a gradient goes back at most; reset: "never", or "sample" to end window and states with it."""

    module: Recurrent

    def __init__(
        self,
        module: Recurrent,
        loss: Loss,
        optimizer: Callable[..., torch.optim.Optimizer],
        window: int,
        reset: str = "never",
        **options: Any,
    ) -> None:
        super().__init__(module, loss, optimizer, **options)
        self.window, self.reset, self.lives_on = window, reset, reset == "never"
        self._begin()

    def _begin(self, states: States | None = None) -> None:
        """Open a window at these states, or at rest."""
        self._first: States = [None] * len(self.module.cells) if states is None else _cut(states)
        self._states = self._first
        self._ready = self.module.ready()
        self._seen: list[tuple[Tensor, Tensor | None]] = []
        self._losses: list[Tensor] = []

    def _step(self, sample: Sample) -> LearnerRecord:
        """All ticks of the sample; the optimizer steps where a window ends, and raises NonFinite before it does."""
        start = perf_counter()
        if self.reset == "sample":
            self._begin()
        ticks, every = sample.inputs.shape[1], self.module.every
        first = 0 if every else ticks - 1
        targets = None if sample.target is None else parted(sample.target, ticks - first)
        said: list[Tensor] = []
        value, guarding = 0.0, 0.0
        for t, u in enumerate(sample.inputs.unbind(1)):
            target = targets[t - first] if targets is not None and t >= first else None
            y, loss = self._tick(u, target, t >= first)
            if y is not None:
                said.append(y.detach())
            if loss is not None:
                value += loss.item() / (ticks - first)
                guarding -= perf_counter()
                finite(value, "loss")
                guarding += perf_counter()
            if len(self._seen) == self.window or (self.reset == "sample" and t == ticks - 1):
                guarding += self._close()
        self.seconds += perf_counter() - start - guarding
        return LearnerRecord(joined(said), None if targets is None else value)

    def _tick(self, u: Tensor, target: Tensor | None, asked: bool) -> tuple[Tensor | None, Tensor | None]:
        self._seen.append((u, target))
        x = self._climb(u)
        if not asked:
            return None, None
        y = self.module.head(x)
        if target is None:
            return y, None
        self._losses.append(self.loss(y, target))
        return y, self._losses[-1]

    def _climb(self, u: Tensor) -> Tensor:
        """The state net takes a tick; returns what the output net sees."""
        x, self._states = self.module.tick(u, self._states, self._ready)
        return x

    def _close(self) -> float:
        """End the window; returns the seconds that its guard took."""
        guarding = 0.0
        if self._losses:
            self._open()
            (sum(self._losses[1:], self._losses[0]) / len(self._losses)).backward()
            guarding = perf_counter()
            all_finite((p.grad for p in self._parameters if p.grad is not None), "gradient")
            guarding = perf_counter() - guarding
            self._move(len(self._seen))
        self._begin(self._states)
        return guarding

    @torch.no_grad()
    def predict(self, inputs: Tensor) -> Tensor:
        """From the states as they are now, or from rest before each sample where a sample resets; nothing is learnt.

        Of a batch they are those of the last row.
        """
        if not self.lives_on:
            return super().predict(inputs)
        module, ready, said = self.module, self.module.ready(), []
        states = _cut(self._states, slice(-1, None))
        with evaluating(module):
            for part in inputs.split(1):
                shown = []
                for u in part.unbind(1):
                    x, states = module.tick(u, states, ready)
                    shown.append(x)
                said.append(joined([module.head(x) for x in (shown if module.every else shown[-1:])]))
        return torch.cat(said)

    def alone(self) -> Callable[[Tensor], Tensor]:
        """A tick u (1, features) to y (1, outputs) of a copy of the states as they are now; weights stay."""
        states, ready = _cut(self._states), self.module.ready()

        def tick(u: Tensor) -> Tensor:
            nonlocal states
            x, states = self.module.tick(u, states, ready)
            return self.module.head(x)

        return tick

    def state_dict(self) -> dict[str, Any]:
        """Module and optimizer, and the window that is open: the states at its beginning, and its ticks."""
        return {**super().state_dict(), **copy.deepcopy({"first": self._first, "seen": self._seen})}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there; the open window is run again for its graph."""
        super().load_state_dict(state)
        self._begin(state["first"])
        for u, target in state["seen"]:
            self._tick(u, target, target is not None)


def _cut(states: States, rows: slice = slice(None)) -> States:
    """The same states, of some rows of the batch, without their past."""
    return [
        tuple(part.detach()[rows] for part in s) if isinstance(s, tuple) else None if s is None else s.detach()[rows]
        for s in states
    ]
