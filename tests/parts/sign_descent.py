"""An arm: sign descent, theta' = theta - lr sign(dL/dtheta)."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

import torch

from hl_cli.config.arms import Arm
from hl_cli.config.fields import described
from hl_cli.config.registry import choice
from hl_cli.dynamics.guards import all_finite, finite
from hl_cli.learners.controls import FrozenLearner
from hl_cli.learners.place import Place
from hl_cli.types import LearnerRecord, Sample


@choice("arm", "sign_descent", home="sign_descent")
@dataclass
class SignDescentArm(Arm):
    """Every weight moves by the learning rate, up or down."""

    shrink: float = described(1.0, "factor of the learning rate at each step", above=0, most=1)


class SignDescent(FrozenLearner):
    def __init__(self, place: Place, shrink: float) -> None:
        super().__init__(place.module, place.loss)
        self.lr, self.shrink = place.lr, shrink
        self.described, self.another_method = f"sign descent, lr {place.lr:g}", "it follows the signs alone"

    def step(self, sample: Sample, observe: bool = False) -> LearnerRecord:
        start = perf_counter()
        prediction = self.module(sample.inputs)
        loss = self.loss(prediction, sample.target)
        finite(loss.item(), "loss")
        weights = list(self.weights().values())
        gradients = torch.autograd.grad(loss, [p for p in self.module.parameters() if p.requires_grad])
        all_finite(gradients, "gradient")
        for w, g in zip(weights, gradients, strict=True):
            w.sub_(g.sign(), alpha=self.lr)
        self.lr *= self.shrink
        self.seconds += perf_counter() - start
        return LearnerRecord(prediction.detach(), loss.item())

    def state_dict(self) -> dict[str, object]:
        return {"module": self.module.state_dict(), "lr": self.lr}

    def load_state_dict(self, state: dict[str, object]) -> None:
        self.module.load_state_dict(state["module"])  # type: ignore[arg-type]
        self.lr = float(state["lr"])  # type: ignore[arg-type]


def sign_descent(place: Place, shrink: float) -> SignDescent:
    return SignDescent(place, shrink)
