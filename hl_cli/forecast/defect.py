r"""How far a step of an arm is from symplectic: max |J^T Omega J - Omega| over some points, in float64.

J is the derivative of (q, p) to (q', p') in one step, p the momentum that goes with q. In a plane, n = 1, it is
|det J - 1|: a force of one variable is always a gradient, so there a net without a potential is symplectic too.
"""

from __future__ import annotations

import torch
from torch import Tensor

from hl_cli.forecast.nets import Ground, Net
from hl_cli.replicates.layers import Weights


def symplectic_defect(net: Net, weights: Weights, q: Tensor, v: Tensor, ground: Ground) -> Tensor:
    """Of each replicate, (r,); q, v: (r, b, n)."""
    held = {name: of.double() for name, of in weights.items()}
    exact = Ground(ground.n, ground.h, ground.mass.double())
    n = exact.n
    x = torch.cat([q.double(), exact.mass * net.momentum(v.double(), exact)], -1).requires_grad_()
    begin = net.begin(held, x[..., :n], net.velocity(x[..., n:] / exact.mass, exact), exact)
    after_q, after_v = net.read(net.step(held, begin, exact), exact)
    y = torch.cat([after_q, exact.mass * net.momentum(after_v, exact)], -1)
    rows = [torch.autograd.grad(y[..., k].sum(), x, retain_graph=True)[0] for k in range(2 * n)]
    jacobian = torch.stack(rows, -2)
    identity, zero = torch.eye(n, dtype=torch.float64), torch.zeros(n, n, dtype=torch.float64)
    area = torch.cat([torch.cat([zero, identity], 1), torch.cat([-identity, zero], 1)])
    return (jacobian.mT @ area @ jacobian - area).abs().amax((1, 2, 3)).detach()
