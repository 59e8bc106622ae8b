"""scheme=global: the costate runs through the whole net at once, over the whole sample; equals SGD."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from omegaconf import MISSING

from hl_cli.config import schemes
from hl_cli.config.fields import described
from hl_cli.config.registry import choice
from hl_cli.errors import BadInput, NoSuchCombination
from hl_cli.learners.data_parallel import DataParallel
from hl_cli.schemes.base import ENGINES, Scheme, Setting


@choice("scheme", "global", home="Global")
@dataclass
class GlobalConfig(schemes.Scheme):
    """The costate runs through the whole net at once, over the whole sample: back-propagation."""

    name: str = described(MISSING, "name in files and titles", choices=("global",))


class Global(Scheme):
    """In one process, or with parallel=data in several, each on its part of the batch."""

    replays = True
    engines = ("eager", "replay", "compiled")

    def learner(self, of: Setting) -> Any:
        """Back-propagation through time, with what it keeps of the ticks."""
        kept: dict[str, Any] = {"memory": of.checkpointing, "anchor_every": of.anchor_every}
        size = of.world.size
        if of.parallel == "data":
            if of.batch_size % size:
                raise BadInput(
                    f"batch_size={of.batch_size}: {size} processes take a part each; allowed: a multiple of that"
                )
            if of.checkpointing == "reverse":
                raise NoSuchCombination("checkpointing=reverse: allowed with parallel=data: store, segments, recompute")
            return DataParallel(**of.parts, **kept, world=of.world)
        if size > 1:
            raise BadInput(f"scheme=global in {size} processes: allowed: scheme=blocks, local, wave; parallel=data")
        return ENGINES[of.engine](**of.parts, **kept)

    def unrecorded(self, of: Setting) -> str:
        """What changes from step to step, or asks Python for more than a number."""
        if of.parallel == "data":
            return " (parallel=data): processes meet at each step; allowed: engine=eager"
        return ": allowed with checkpointing=store, segments, recompute" if of.checkpointing == "reverse" else ""

    def note(self, learner: Any) -> str:
        """Of several processes."""
        if not isinstance(learner, DataParallel) or learner.world.size == 1:
            return super().note(learner)
        parts = learner.world.size
        return f"; {parts} parts of a batch are summed in another order than the whole, so expect round-off"
