r"""Training on windows: the squared error of a short forecast, from a start that is itself inferred.

    min over theta, (q_0, v_0)_w   mean over w, t   |q_t - q^seen_t|^2 + |v_t - v^seen_t|^2

The start of every window is a parameter beside the weights and begins at the observed point: left there, it would put
its noise into every forecast. Adam, a cosine to zero, and a bound on the norm of the gradient of each replicate.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from hl_cli.forecast.nets import Ground, Net, trajectory
from hl_cli.forecast.windows import Windows, batch
from hl_cli.replicates.layers import Weights
from hl_cli.replicates.standing import Moving, Standing
from hl_cli.replicates.training import Descent


@dataclass(frozen=True)
class Plan:
    """steps: of the weights; size: windows of a step; lr, start_lr: of weights and of starts; clip: largest norm."""

    steps: int
    size: int
    lr: float
    start_lr: float
    clip: float


def fit(
    net: Net,
    weights: Weights,
    windows: Windows,
    ground: Ground,
    plan: Plan,
    generators: list[torch.Generator],
    standing: Standing,
    part: str,
) -> tuple[Weights, Tensor]:
    """Trained weights, and the loss (steps, r). generators: of the order of windows, one a replicate.

    standing, part: where it goes on, where it was begun before.
    Raises NotFinite for the first replicate whose loss is not finite.
    """
    held = {name: of.clone().requires_grad_() for name, of in weights.items()}
    starts = [of[:, :, 0].clone().requires_grad_() for of in (windows.q, windows.v)]
    descent = Descent([([*held.values()], plan.lr), (starts, plan.start_lr)], plan.steps, plan.clip)
    own = torch.arange(windows.q.shape[0]).unsqueeze(1)
    losses = windows.q.new_zeros(plan.steps, len(windows.q))
    moving = Moving({"losses": losses}, generators, descent)
    for step in standing.steps(part, plan.steps, moving):
        chosen = own, batch(windows, plan.size, generators)
        q, v = trajectory(net, held, starts[0][chosen], starts[1][chosen], ground, windows.steps)
        wanted = (windows.q[chosen].permute(2, 0, 1, 3), windows.v[chosen].permute(2, 0, 1, 3))
        loss = ((q - wanted[0]).square() + (v - wanted[1]).square()).mean((0, 2, 3))
        descent.step(loss)
        moving.memory["losses"][step - 1] = loss.detach()
    return {name: of.detach() for name, of in held.items()}, moving.memory["losses"]
