"""The weights of a net and their costates by name, however many flat buffers they lie in."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from hl_cli.learners.weights import FlatWeights
from hl_cli.networks.splits import Split


class NamedWeights:
    """What each HL arm has: a split net, and the buffers that hold its theta and omega."""

    split: Split
    weights_elsewhere = False
    lives_on = False
    drift: float | None = None  # of states that are rebuilt instead of kept, where any are

    def phases(self) -> Sequence[FlatWeights]:
        """The buffers; each weight lies in one of them."""
        raise TypeError(f"{type(self).__name__} does not say where its weights are")

    def expect(self, steps: int, observe: bool) -> None:
        """Steps to come are of no account in one process."""

    def weights(self) -> dict[str, Tensor]:
        """The live weights by name, in the order of the net."""
        return {name: p.data for name, p in self.split.module.named_parameters() if p.requires_grad}

    def weight_costates(self) -> dict[str, Tensor]:
        """The live omega by name, in the order of the net."""
        omega = {p: slot for phase in self.phases() for p, slot in phase.costates().items()}
        return {name: omega[p] for name, p in self.split.module.named_parameters() if p.requires_grad}
