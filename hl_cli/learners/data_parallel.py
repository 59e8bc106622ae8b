"""The HL arm on parts of a batch: each process takes its rows, and the drives are averaged before omega moves.

With N ranks of equal parts, L = mean of the L_r, so g = dH/dtheta = mean of the g_r. In exact arithmetic it is the step
on the whole batch; the sums are taken in another order, so the two agree to round-off.
"""

from __future__ import annotations

from typing import Any

import torch

from hl_cli.dynamics.guards import finite
from hl_cli.dynamics.hamiltonian import Share
from hl_cli.errors import BadInput
from hl_cli.learners.hamiltonian import HamiltonianLearner
from hl_cli.learners.ranks import Ranks
from hl_cli.parallel.command import Command
from hl_cli.parallel.world import World
from hl_cli.streams.base import as_sample
from hl_cli.types import LearnerRecord, Sample


class DataParallel(Ranks, HamiltonianLearner):
    """world: the processes; the weights of all of them start alike and stay so, bit for bit."""

    def __init__(self, *arguments: Any, world: World, **options: Any) -> None:
        HamiltonianLearner.__init__(self, *arguments, **options)
        Ranks.__init__(self, world)
        self.credit.mean_loss = lambda loss: finite(self.world.mean_of(loss), "loss")
        self._conditional = any(block.conditional for block in self.split.blocks)
        if self.world.size > 1 and any(True for _ in self.split.module.buffers()):
            raise BadInput(
                "parallel=data: the net has buffers (as batch normalisation has), which would count the rows of one "
                "process alone; allowed: nets without"
            )

    def load_state_dict(self, state: dict[str, Any] | None) -> None:
        """Go on from there, in all ranks, which have all of the state each; rank 0 alone is given it."""
        if self.world.rank == 0:
            self.world.lead(Command.LOAD)
        super().load_state_dict(self.world.broadcast(state))

    def step(self, sample: Sample, observe: bool = False) -> LearnerRecord:
        """One step on this rank's rows; rank 0 has the loss and the predictions of all."""
        sample = as_sample(sample)
        with self.one_step(observe):
            if sample.target is None:
                return super().step(sample)
            part, left = divmod(len(sample.inputs), self.world.size)
            if left:
                raise BadInput(
                    f"a batch of {len(sample.inputs)}: allowed: a multiple of the {self.world.size} processes"
                )
            rows = len(sample.target) // len(sample.inputs) * part
            here, there = (slice(self.world.rank * n, (self.world.rank + 1) * n) for n in (part, rows))
            record = super().step(Sample(sample.inputs[here], sample.target[there]), observe)
            said = self.world.gather(record.prediction)
            return record if said is None else record._replace(prediction=said)

    def _share(self) -> Share:
        """Zeta of the whole batch is 1/N of what each rank has for its rows."""
        mine, count = super()._share(), self.world.size
        all_of_them = self.world.gather_objects(mine) or [mine]
        return mine._replace(
            work=sum(s.work for s in all_of_them) / count,
            state_costate=sum(s.state_costate for s in all_of_them) / count**2,
        )

    def _complete_drive(self) -> None:
        """A weight rests where no process has a gradient of it."""
        phase = self.phase
        resting = phase.drive.finish()
        self.world.mean(phase.flat_drive)
        if self._conditional and self.world.size > 1:
            reached = torch.tensor([float(id(p) not in resting) for p in phase.parameters])
            self.world.mean(reached)
            resting = frozenset(id(p) for p, r in zip(phase.parameters, reached.tolist(), strict=True) if not r)
        phase.rest(resting)
