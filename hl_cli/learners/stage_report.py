"""Where the blocks of a scheme sat, how long each computed, and how long it waited."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from hl_cli.learners.pipeline import Pipeline
from hl_cli.parallel.command import Command


@dataclass(frozen=True)
class StageReport:
    """One block; its seconds in steps add up to those of its process.

    layers: names of its weights' layers; place: device, and rank where there are several; computed: its own work;
    shared: its process computed other blocks, or kept its books; waited: for messages of other processes.
    """

    block: int
    layers: str
    weights: int
    place: str
    computed: float
    shared: float
    waited: float


def stage_reports(hl: object) -> list[StageReport]:
    """Gather the reports of all processes, bottom block first; nothing for a learner without stages.

    Rank 0 asks; the others call it when told.
    """
    if not isinstance(hl, Pipeline):
        return []
    if hl.is_top:
        hl.world.lead(Command.REPORT)
    layer_of: dict[Tensor, str] = {p: name.rpartition(".")[0] for name, p in hl.split.module.named_parameters()}
    mine = []
    for stage in hl.owned:
        weights = [p for part in stage.parts for p in part.parameters]
        place = f"{stage.device}, rank {hl.world.rank}" if hl.world.size > 1 else str(stage.device)
        shared = max(0.0, hl.seconds - stage.seconds - hl.waited)
        layers = ", ".join(dict.fromkeys(layer_of[p] for p in weights))
        count = sum(p.numel() for p in weights)
        mine.append(StageReport(stage.number, layers, count, place, stage.seconds, shared, hl.waited))
    return sorted((one for part in hl.world.gather_objects(mine) for one in part), key=lambda one: one.block)
