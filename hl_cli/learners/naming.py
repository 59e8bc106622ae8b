"""What each HL arm has: weights and costates by name, however many flat buffers they lie in, their steering."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor

from hl_cli.dynamics.equivalence import Coefficients
from hl_cli.dynamics.weights import FlatWeights
from hl_cli.learners.clipping import Clip
from hl_cli.learners.rates import Betas, Scheduler
from hl_cli.networks.splits import Split


class NamedWeights:
    """A split net, the buffers that hold its theta and omega, and the coefficients by which they move now."""

    split: Split
    coefficients: Coefficients
    stages: Sequence[Any] = ()  # blocks with coefficients of their own
    clip: Clip | None = None
    betas: Betas | None = None
    weights_elsewhere = False
    lives_on = False
    _in_order: Sequence[Tensor] | None = None  # weights as the net has them
    drift: float | None = None  # of states that are rebuilt instead of kept, where any are

    def phases(self) -> Sequence[FlatWeights]:
        """The buffers; each weight lies in one of them."""
        raise TypeError(f"{type(self).__name__} does not say where its weights are")

    def expect(self, steps: int, observe: bool) -> None:
        """Steps to come are of no account in one process."""

    def follow(self, scheduler: Scheduler, lr: float) -> None:
        """Let beta follow the learning rate of a scheduler (hl_cli.learners.rates), before the first step.

        lr: of the SGD that equals this HL, at a constant rate.
        """
        self.betas = Betas(self.coefficients, lr, scheduler)
        self._steer(replace(self.coefficients, beta=self.betas.beta))

    def _steer(self, coefficients: Coefficients) -> None:
        """Let these be the coefficients of the step to come."""
        for one in (self, *self.stages):
            one.coefficients = coefficients

    def _advance(self) -> None:
        """A step has been taken."""
        if self.betas is not None:
            self.betas.advance()
            self._steer(replace(self.coefficients, beta=self.betas.beta))

    def _clip_drive(self) -> None:
        """Bound the drive before omega moves."""
        if self.clip is not None:
            if self._in_order is None:  # asking a module takes longer than the norm of a small net
                self._in_order = [p for p in self.split.module.parameters() if p.requires_grad]
            self.clip.drive(self.phases()[0], self._in_order)

    def _where(self) -> dict[str, Any]:
        """Where the schedule is, for the state."""
        return {} if self.betas is None else {"betas": self.betas.state_dict()}

    def _go_to(self, state: dict[str, Any]) -> None:
        """Go on with the schedule from a state."""
        if self.betas is not None:
            self.betas.load_state_dict(state["betas"])
            self._steer(replace(self.coefficients, beta=self.betas.beta))

    def weights(self) -> dict[str, Tensor]:
        """The live weights by name, in the order of the net."""
        return {name: p.data for name, p in self.split.module.named_parameters() if p.requires_grad}

    def weight_costates(self) -> dict[str, Tensor]:
        """The live omega by name, in the order of the net."""
        omega = {p: slot for phase in self.phases() for p, slot in phase.costates().items()}
        return {name: omega[p] for name, p in self.split.module.named_parameters() if p.requires_grad}
