r"""Bounds of log p(x) from below, of importance weights log w.

    ELBO = E log w  <=  E log (1/k) sum_{j=1..k} w_j  <=  log p(x);    the middle one, with k samples, rises with k

Source: Burda, Grosse, Salakhutdinov, ICLR 2016, arXiv 1509.00519.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from hl_cli.density.flow import Flow
from hl_cli.replicates.layers import Weights

ROWS = 20_000  # points times samples of a replicate that are carried through a flow at once


def normal(like: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
    """Standard normal numbers of the same shape (r, ..), a generator a replicate."""
    return torch.stack([torch.randn(like.shape[1:], generator=of, dtype=torch.float64) for of in generators]).to(like)


def bounds(
    flow: Flow, weights: Weights, x: Tensor, samples: int, generators: Sequence[torch.Generator]
) -> tuple[Tensor, Tensor]:
    """ELBO and importance bound of each point, (r, b) each; both log p where the flow has no momentum."""
    if not flow.momentum:
        exact = flow.log_weight(weights, x, x)
        return exact, exact
    r, b, n = x.shape
    total = x.new_zeros(r, b)
    most = x.new_full((r, b), -torch.inf)
    at_once = max(1, ROWS // b)
    for begin in range(0, samples, at_once):
        k = min(at_once, samples - begin)
        repeated = x.unsqueeze(1).expand(r, k, b, n).reshape(r, k * b, n)
        log_w = flow.log_weight(weights, repeated, normal(repeated, generators)).view(r, k, b)
        total += log_w.sum(1)
        most = torch.logaddexp(most, log_w.logsumexp(1))
    return total / samples, most - math.log(samples)
