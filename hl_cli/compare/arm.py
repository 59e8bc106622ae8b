"""A learner of a run, with all that is said of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from hl_cli.dynamics.equivalence import SGD, Coefficients
from hl_cli.dynamics.stock import Stock
from hl_cli.learners.base import Learner

ANOTHER_NET = "its net is another"


@dataclass(frozen=True)
class Arm:
    """A learner of a run.

    kind: hamiltonian, stock, or what its config class is called; label: its name for people; described: in words, with
    its numbers; another_method: why it is not meant to equal the reference, nothing where it is; note: what a user
    should know of it; expect: the verdict wanted, or better; coefficients, sgd: of HL, and of the SGD that equals it;
    fresh: makes the same learner at its start, where it can be had; twin: makes one at rest, in this process and not
    compiled, with these weights, where the arm learns.
    """

    name: str
    kind: str
    label: str
    learner: Learner
    described: str
    another_method: str = ""
    note: str = ""
    expect: str | None = None
    coefficients: Coefficients | None = None
    sgd: SGD | Stock | None = None
    fresh: Callable[[], Learner] | None = None
    twin: Callable[[dict[str, Tensor]], Learner] | None = None

    @property
    def comparable(self) -> bool:
        """Whether its weights can be held to those of the reference: not of another net, whatever the shapes."""
        return self.another_method != ANOTHER_NET
