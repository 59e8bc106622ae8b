r"""The energy distance of two sets of points: 0 for equal sets, and what no likelihood sees: samples.

    2 E |x - y| - E |x - x'| - E |y - y'|       means over all pairs of the sets, a point with itself too

Two sets of m points of the same density have not 0 but about 2 E |x - x'| / m, so that this value stands beside it.
Source: Szekely, Rizzo, J. Stat. Plan. Inference 143 (2013).
"""

from __future__ import annotations

import torch
from torch import Tensor


def energy_distance(x: Tensor, y: Tensor) -> Tensor:
    """Of each replicate, (r,); x: (r, a, n), y: (r, b, n).

    >>> round(energy_distance(torch.zeros(1, 1, 1), torch.tensor([[[3.0], [5.0]]])).item(), 6)
    7.0
    """
    x, y = x.double(), y.double()
    return 2 * torch.cdist(x, y).mean((1, 2)) - torch.cdist(x, x).mean((1, 2)) - torch.cdist(y, y).mean((1, 2))
