r"""The PyTorch arm by real-time recurrent learning: at each tick the exact gradient of its loss over the whole past.

What truncated back-propagation cuts off is carried along instead, as the derivative of the states by the weights
(hl_cli.networks.sensitivity). The head sees one tick alone and needs nothing of it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from hl_cli.dynamics.guards import all_finite
from hl_cli.learners.truncated import TruncatedLearner
from hl_cli.networks.losses import Loss
from hl_cli.networks.recurrent import Recurrent, States
from hl_cli.networks.sensitivity import sensitivity, tensors


class RealTimeLearner(TruncatedLearner):
    """As truncated back-propagation over one tick, with a gradient that reaches back to the last rest; batches of 1."""

    def __init__(
        self,
        module: Recurrent,
        loss: Loss,
        optimizer: Callable[..., torch.optim.Optimizer],
        reset: str = "never",
        **options: Any,
    ) -> None:
        self._sensitivity = sensitivity(module)
        super().__init__(module, loss, optimizer, 1, reset, **options)

    def _begin(self, states: States | None = None) -> None:
        """The states of before the tick are leaves of its graph."""
        super()._begin(states)
        if states is None:
            self._sensitivity.p = None
        for part in tensors(self._first):
            part.requires_grad_()

    def _tick(self, u: Tensor, target: Tensor | None, asked: bool) -> tuple[Tensor | None, Tensor | None]:
        """The head has a graph of its own, cut at what the top cell shows: states of a tick may hang on one another."""
        self._seen.append((u, target))
        x, self._states = self.module.tick(u, self._states, self._ready)
        if not asked:
            return None, None
        self._shown = x.detach().requires_grad_()
        y = self.module.head(self._shown)
        if target is None:
            return y, None
        self._losses.append(self.loss(y, target))
        return y, self._losses[-1]

    def _close(self) -> float:
        """End the tick; returns the seconds that its guard took."""
        new, head = tensors(self._states), [p for p in self.module.head.parameters() if p.requires_grad]
        got = torch.autograd.grad(self._losses[0], [self._shown, *head]) if self._losses else None
        self._sensitivity.advance(tensors(self._first), new)
        guarding = 0.0
        if got is not None:
            cells = [p for p in self.module.cells.parameters() if p.requires_grad]
            costates = [torch.zeros_like(part) for part in new]
            costates[len(tensors(self._states[:-1]))] = got[0]  # the first state of the top cell is what it shows
            gradients = [*self._sensitivity.gradient(costates), *got[1:]]
            self._open()
            for parameter, g in zip([*cells, *head], gradients, strict=True):
                parameter.grad = g if parameter.grad is None else parameter.grad + g
            guarding = perf_counter()
            all_finite(gradients, "gradient")
            guarding = perf_counter() - guarding
            self._move()
        self._begin(self._states)
        return guarding

    def state_dict(self) -> dict[str, Any]:
        """With the derivatives of the states."""
        return {**super().state_dict(), "sensitivity": copy.deepcopy(self._sensitivity.p)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        super().load_state_dict(state)
        self._sensitivity.p = copy.deepcopy(state["sensitivity"])
