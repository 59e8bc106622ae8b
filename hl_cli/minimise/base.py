r"""The contract of a function to minimise: a batch of instances with exact gradients, in float64.

    value(x)     (k, n) to (k,)        what is minimised; a row is a point
    gradient(x)  (k, n) to (k, n)      its exact derivative
    judged(x)    (k, n) to (k,)        what is reported of a point, the value unless said

A function is one file: its config class stands in it under `@choice("function", NAME, home=CLASS)`. CLASS is called
with the number of instances, a generator for what is random in them, and the fields of the config without `name`. One
instance is shared by all rows; of several, row i belongs to instance i.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch
from torch import Tensor


class Function:
    """Instances of one function.

    start: (count, n), where every trial on an instance begins; steps, trials: of a search, unless the user says
    others; plane: the arguments of the same function of two variables, or none where there is no such thing.
    """

    start: Tensor
    steps: ClassVar[int]
    trials: ClassVar[int] = 200
    plane: ClassVar[dict[str, Any] | None] = None

    def value(self, x: Tensor) -> Tensor:
        """What is minimised, 0 at best."""
        raise NotImplementedError

    def gradient(self, x: Tensor) -> Tensor:
        """Its derivative."""
        raise NotImplementedError

    def judged(self, x: Tensor) -> Tensor:
        """What is reported."""
        return self.value(x)


def uniform(count: int, n: int, bound: float, generator: torch.Generator) -> Tensor:
    """Points (count, n) with coordinates uniform in [-bound, bound]."""
    return bound * (2 * torch.rand(count, n, generator=generator, dtype=torch.float64) - 1)
