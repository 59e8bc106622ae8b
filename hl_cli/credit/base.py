r"""The contract of a kind of credit: it fills the accumulator of dH/dtheta, one learning period after the other.

    for y, loss, of, last in credit.periods(sample):     the drive g is summed
        the weights take one step of their rule          hl_cli.dynamics.rules

A learner of HL is a credit and a rule (hl_cli.learners.hamiltonian). The credit has all that concerns the neurons,
their states and costates; the rule has all that concerns the weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

from torch import Tensor

from hl_cli.dynamics.equivalence import Coefficients
from hl_cli.dynamics.guards import check_finite
from hl_cli.dynamics.hamiltonian import Share
from hl_cli.dynamics.rules.base import Check, UpdateRule
from hl_cli.dynamics.weights import FlatWeights
from hl_cli.errors import NonFinite
from hl_cli.networks.losses import Loss
from hl_cli.networks.splits import Split
from hl_cli.streams.samples import Samples
from hl_cli.types import Sample


class Ground(NamedTuple):
    """What a learner hands to its credit: the split net, the loss, tau, beta, eta, phi, the rule and the weights."""

    split: Split
    loss: Loss
    coefficients: Coefficients
    rule: UpdateRule
    weights: FlatWeights


@dataclass(frozen=True)
class Kind:
    """A kind of credit of a net online, as a scheme takes it.

    make: called with a Ground, `reset`, `rise`, the fields of the scheme that are named in of_scheme, and options;
    another_method: why HL with it is not meant to equal SGD, nothing where that is for the scheme to say.
    """

    name: str
    make: type[Credit]
    of_scheme: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    another_method: str = ""


Period = tuple[Tensor | None, float, int, bool]
Form = tuple[tuple[int, ...], ...]


class Credit:
    """One kind. tick: one period, of inputs and target: the drive, y and the loss; sign: of phi in the weight step;
    recordable: whether a period leaves nothing but tensors, which are carried on; lives_on: whether the neurons live on
    from sample to sample.

    rests: whether `begin` puts something to rest; bound: a WeightBound that looks at the weights at some of `ticks`, or
    None. waiting: whether the weights wait: this period is one of a window that is open. drift: the largest
    |rebuilt - kept| state so far, where states are rebuilt. alone: where neurons go on by themselves, what makes a tick
    of a copy of them. mean_loss: passes a finite loss on; raises NonFinite.
    """

    tick: Callable[[Tensor, Tensor | None], tuple[Tensor, float]]
    sign = 1.0
    recordable: ClassVar[bool] = False
    lives_on = False
    rests = False
    waiting = False
    ticks = 0
    bound: Any = None
    drift: float | None = None
    alone: Callable[[], Callable[[Tensor], Tensor]] | None = None

    @staticmethod
    def mean_loss(loss: float) -> float:
        """The loss of the whole batch, of which a process may have a part."""
        if not math.isfinite(loss):
            raise NonFinite("loss")
        return loss

    def begin(self) -> None:
        """Put to rest what rests before each sample."""

    def periods(self, sample: Sample) -> Iterator[Period]:
        """Fill the drive, once a period: (y or None where nothing counts, loss, periods that count, whether the last).

        The weights move before the next period is asked for. Raises NonFinite before they do. Without any period
        the sample has nothing to learn from, and its y is that of `predict`.
        """
        raise TypeError(f"{type(self).__name__} does not say how to assign credit")

    def phi(self, c: Coefficients, step: int) -> tuple[float, float]:
        """phi of a weight step (from 0), and phi_0, of a weight whose first step it is."""
        return c.loss_weight(step), c.phi_first

    def rise_at_once(self) -> None:
        """Let periods in which phi rises count as taken; here there are none."""

    def check(self) -> Check:
        """What may refuse omega before theta follows."""
        return check_finite

    def share(self) -> Share:
        """What H is made of beside the loss, in this period, before the weights move."""
        raise TypeError(f"{type(self).__name__} does not say what H is made of")

    def predict(self, inputs: Tensor) -> Tensor:
        """Map inputs (batch, ticks, features) to (rows, outputs); weights and costates stay."""
        raise TypeError(f"{type(self).__name__} does not say how to predict")

    @property
    def steady(self) -> bool:
        """Whether the tick that comes makes the calls that one of its shapes always makes."""
        return True

    @property
    def refuses(self) -> bool:
        """Whether `check` refuses this period, whatever omega is."""
        return False

    def carried(self) -> list[Tensor | None]:
        """All tensors that the next period goes on from."""
        return []

    def form(self) -> Form:
        """How they belong together."""
        return ()

    def carry_on(self, carried: Sequence[Tensor | None], form: Form) -> None:
        """Be as after a period that left these."""

    def reads(self, count: int) -> bool:
        """Whether a period reads so many numbers after the loss, or after the states where none counts.

        Where one is not finite the period has to be taken eagerly, which says what that means.
        """
        return not count

    def only(self, sample: Sample) -> tuple[Tensor, Tensor] | None:
        """Inputs and target of the one period of a sample; None for any other."""
        return None

    def apart(self, sample: Sample) -> Samples | None:
        """The periods of a sample as samples of their own, without gaps; None where it has one, or where some have no
        target."""
        return None

    def calm(self, count: int) -> int:
        """In how many of so many periods to come, this one first, phi stays as it is."""
        return count

    def passed(self, count: int) -> None:
        """Count as many periods that somebody else has taken."""

    def state_dict(self) -> dict[str, Any]:
        """States and costates that are carried on."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
