r"""The kinetic energy T(omega) of the weights; theta follows its slope, theta' = theta - tau dT/domega.

    classical      T = (beta/2) |omega|^2                             dT/domega = beta omega
    relativistic   T = (beta/kappa) (sqrt(1 + kappa |omega|^2) - 1)   dT/domega = beta omega / sqrt(1 + kappa |omega|^2)

|omega| is that of a group: of all weights that move, of a tensor, or of one weight; T is the sum over the groups. With
kappa = (tau beta / limit)^2 no group of theta moves by more than `limit` in a step, in the Euclidean norm: a speed of
light, limit / tau. A very large limit gives the classical bits. Source: Franca, Sulam, Robinson, Vidal, Conformal
symplectic and relativistic optimization, arXiv 1903.04100.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from hl_cli.config.fields import described
from hl_cli.config.registry import choice
from hl_cli.config.rules import KineticConfig
from hl_cli.dynamics.equivalence import Coefficients
from hl_cli.dynamics.rules.drift import Update, WeightState
from hl_cli.errors import BadInput


@choice("kinetic", "classical", home="Kinetic")
@dataclass
class ClassicalConfig(KineticConfig):
    """T = (beta/2) |omega|^2: gradient descent with momentum. The default."""

    name: str = described("classical", "name in files and titles", choices=("classical",))


@choice("kinetic", "relativistic", home="Relativistic")
@dataclass
class RelativisticConfig(KineticConfig):
    """Weights have a largest move in a step, however large the gradient."""

    name: str = described("relativistic", "name in files and titles", choices=("relativistic",))
    limit: float = described(1.0, "largest |theta' - theta| of a group in one step", above=0)
    group: str = described(
        "global", "what shares a speed: all weights, a tensor, or a weight", choices=("global", "tensor", "weight")
    )


class Kinetic:
    """The classical one.

    words: of the arm; another_method: why HL with it is not meant to equal the reference; group: of weights that share
    a speed.
    """

    name: ClassVar[str] = "classical"
    words: str = ""
    another_method: str = ""
    group: str = "weight"

    def energy(self, weights: WeightState, c: Coefficients) -> float | None:
        """2 T / beta; None: |omega|^2."""
        return None

    def velocity(self, weights: WeightState, c: Coefficients) -> Tensor:
        """dT/domega, like omega."""
        return weights.omega * c.beta

    def follow(self, moved: Sequence[tuple[WeightState, Update]], c: Coefficients) -> Update:
        """Drifts of theta along dT/domega, from those along omega; moved: every part that moves, with as many each."""
        return [drift for _, update in moved for drift in update]


class Relativistic(Kinetic):
    """What theta follows is divided by sqrt(1 + kappa |omega|^2), and not the step: 1 leaves every bit."""

    name, another_method = "relativistic", "relativistic kinetic energy"

    def __init__(self, limit: float = 1.0, group: str = "global") -> None:
        if not limit > 0:
            raise BadInput(f"kinetic.limit={limit}: allowed: a number > 0")
        self.limit, self.group = limit, group
        of = "all weights" if group == "global" else f"a {group}"
        self.words = f", relativistic, {of} at most {limit:g} a step"

    def energy(self, weights: WeightState, c: Coefficients) -> float | None:
        """Summed over the groups, in a form that does not cancel at small omega."""
        squares = weights.omega.double().square()
        if self.group == "global":
            squares = squares.sum()
        elif self.group == "tensor":
            squares = torch.stack([part.sum() for part in weights.tensors(squares)])
        kappa = (c.velocity / self.limit) ** 2
        return float((2 * squares / (1 + (1 + kappa * squares).sqrt())).sum())

    def velocity(self, weights: WeightState, c: Coefficients) -> Tensor:
        """Of weights that all move."""
        parts = weights.tensors(weights.omega) if self.group == "tensor" else [weights.omega]
        slowed = [(part / self._root([part], c)).flatten() for part in parts]
        return torch.cat(slowed).view_as(weights.omega) * c.beta

    def follow(self, moved: Sequence[tuple[WeightState, Update]], c: Coefficients) -> Update:
        """Group by group."""
        if self.group == "global":
            together = zip(*(update for _, update in moved), strict=True)  # the first drift of every part, the second..
            return [
                drift._replace(along=drift.along / root)
                for drifts in together
                for root in (self._root([drift.along for drift in drifts], c),)
                for drift in drifts
            ]
        every = [(part, drift) for part, update in moved for drift in update]
        if self.group == "weight":
            return [drift._replace(along=drift.along / self._root([drift.along], c)) for _, drift in every]
        return [
            drift._replace(theta=theta, along=along / self._root([along], c))
            for part, drift in every
            for theta, along in zip(part.tensors(drift.theta), part.tensors(drift.along), strict=True)
        ]

    def _root(self, omegas: Sequence[Tensor], c: Coefficients) -> Tensor:
        """sqrt(1 + kappa |omega|^2), of one element or, of a weight alone, like omega; no square overflows."""
        ratio = c.velocity / self.limit
        if self.group == "weight":
            return torch.hypot(omegas[0] * ratio, omegas[0].new_ones(()))
        sizes = [torch.linalg.vector_norm(omega, dtype=torch.float64) for omega in omegas]
        return (1 + (torch.linalg.vector_norm(torch.stack(sizes)) * ratio).square()).sqrt()
