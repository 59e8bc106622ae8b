"""The contract of a scheme: which learner runs it, what it cannot be combined with, and what a user should know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from hl_cli.credit.base import Kind
from hl_cli.credit.costate import COSTATE
from hl_cli.dynamics.equivalence import Coefficients
from hl_cli.dynamics.rules import UpdateRule
from hl_cli.learners.fused import FusedLearner
from hl_cli.learners.hamiltonian import HamiltonianLearner
from hl_cli.learners.replayed import ReplayedLearner
from hl_cli.networks.losses import Loss
from hl_cli.networks.splits import Split
from hl_cli.parallel.world import World

ENGINES: dict[str, type[HamiltonianLearner]] = {
    "eager": HamiltonianLearner,
    "replay": ReplayedLearner,
    "compiled": FusedLearner,
}
"""The learner that runs its steps so."""


@dataclass(frozen=True)
class Setting:
    """What a scheme builds its learner of: the parts of the arm, and values of the run of the same names.

    split, loss, coefficients, rule: as of hl_cli.learners.hamiltonian.HamiltonianLearner; world: the processes;
    credit: how the credit of a tick reaches back, where weights move at every tick.
    """

    split: Split
    loss: Loss
    coefficients: Coefficients
    rule: UpdateRule
    world: World
    credit: Kind = COSTATE
    batch_size: int = 1
    dtype: str = "float32"
    checkpointing: str = "recompute"
    anchor_every: int = 100
    parallel: str | None = None
    engine: str = "eager"

    @property
    def parts(self) -> dict[str, Any]:
        """The arguments that every learner of HL takes."""
        return {"split": self.split, "loss": self.loss, "coefficients": self.coefficients, "rule": self.rule}


class Scheme:
    """The home of a `choice` of the group `scheme`; made with the fields of its config, but `name`.

    engines: how its steps can be run, where `unrecorded` has nothing against it; whole: whether all weights take their
    step together, none in a block of its own; online: whether weights move at every tick, so that an arm of PyTorch
    with a window is its like; replays: whether ticks of a sample may be computed again; reset: when neurons return to
    rest (hl_cli.credit.online).
    """

    engines: ClassVar[tuple[str, ...]] = ("eager",)
    whole: ClassVar[bool] = True
    online: ClassVar[bool] = False
    replays: ClassVar[bool] = False
    reset: str = "never"

    def learner(self, of: Setting) -> Any:
        """The learner that runs it; raises BadInput for what it cannot be combined with."""
        raise NotImplementedError

    def unrecorded(self, of: Setting) -> str:
        """Why its steps cannot be recorded, as an error goes on after engine=replay; nothing where they can."""
        return ""

    def another_method(self, integrator: str, window: int | None) -> str:
        """Why it is not meant to equal SGD, nothing where it is; window: of truncated BPTT, of the reference."""
        return ""

    def note(self, learner: Any) -> str:
        """What a user should know before the run, beginning with "; "."""
        if not isinstance(learner, FusedLearner):
            return ""
        return (
            f"; its steps are compiled, another arithmetic: after some steps from the start they are {learner.gap:.1g} "
            "from the eager ones, by the largest element, so expect round-off at best"
        )

    @property
    def states_reset(self) -> str:
        """When states return to rest, "never" or "sample", for the arms of PyTorch that carry them."""
        return "sample" if self.reset in ("sample", "h") else "never"

    @property
    def lives_on(self) -> bool:
        """Whether neurons go on from sample to sample."""
        return self.online and self.states_reset == "never"
