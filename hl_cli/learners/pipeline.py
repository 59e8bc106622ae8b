r"""The HL arm as a chain of stages: what all schemes of blocks have in common.

A scheme says at which tick a stage sees what (hl_cli.learners.passing, hl_cli.learners.local). The stages may sit on
several devices, or in several processes: rank 0 has the uppermost ones, so that predictions and losses arise where they
are written. What crosses from one process to the next is h upwards and zeta downwards; every rank reads its own copy of
the stream. Source: arXiv 2409.12038, section on locality.
"""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from hl_cli.dynamics.equivalence import Coefficients
from hl_cli.dynamics.guards import finite
from hl_cli.dynamics.hamiltonian import Share, hamiltonian
from hl_cli.dynamics.rules import UpdateRule, semi_implicit_euler
from hl_cli.dynamics.weights import FlatWeights
from hl_cli.errors import BadInput
from hl_cli.learners.base import evaluating
from hl_cli.learners.gathered import gathered
from hl_cli.learners.naming import NamedWeights
from hl_cli.learners.ranks import Ranks
from hl_cli.learners.stage import Stage
from hl_cli.networks.cuts import Cut, cut_into_blocks, share_out
from hl_cli.networks.losses import Loss, value_and_costate
from hl_cli.networks.splits import Split
from hl_cli.parallel.command import Command
from hl_cli.parallel.links import Link
from hl_cli.parallel.world import World
from hl_cli.streams.base import as_sample
from hl_cli.types import LearnerRecord, Sample


class Pipeline(Ranks, NamedWeights):
    """See the head of this file. cut: into which blocks (hl_cli.networks.cuts); devices: where they sit, bottom first.

    world: the processes; each computes the stages of its own part. Raises BadInput for what cannot be cut or placed.
    """

    name = "hl"

    def __init__(
        self,
        split: Split,
        loss: Loss,
        coefficients: Coefficients,
        rule: UpdateRule = semi_implicit_euler,
        cut: Cut = None,
        devices: Sequence[str] = (),
        world: World | None = None,
    ) -> None:
        if coefficients.leak != 1.0:
            raise BadInput(f"tau*rate={coefficients.leak:g}: blocks on their own allow 1, neurons of rate 1/tau")
        self.split, self.coefficients = split, coefficients
        self._loss = value_and_costate(loss)
        layers = cut_into_blocks(split, cut)
        self.depth = len(layers)
        outputs = [*[None] * (self.depth - 1), split.output]
        self.stages = [Stage(k + 1, layers[k], outputs[k], coefficients, rule, self._age(k)) for k in range(self.depth)]
        Ranks.__init__(self, world)
        self._place(devices)
        self.mine = self._parts()[self.world.rank]
        like = self.stages[self.mine.start].phase.theta
        self._above = Link(self.world, self.world.rank - 1, like) if self.mine.stop < self.depth else None
        self._below = Link(self.world, self.world.rank + 1, like) if self.mine.start > 0 else None
        self.seconds, self.waited = 0.0, 0.0
        self._stale = False  # whether weights of other ranks have moved since rank 0 saw them
        self.weights_elsewhere = self.one_shape = self.world.size > 1  # one shape: that of the first sample, for all
        self._shape: torch.Size | None = None

    def _age(self, index: int) -> int:
        """How many ticks after its input a stage (from 0) meets the zeta that belongs to it, if it keeps inputs."""
        return 0

    def _place(self, devices: Sequence[str]) -> None:
        if devices and self.world.size > 1:
            raise BadInput("scheme.devices: several processes have a device each; allowed: in one process only")
        if len(devices) > self.depth:
            raise BadInput(f"scheme.devices={list(devices)}: allowed: at most {self.depth}, one a block")
        for device, part in zip(devices, self._shared_out(len(devices)), strict=True):
            for k in part:
                self.stages[k].place(device)

    def _shared_out(self, parts: int) -> list[range]:
        return share_out([stage.phase.theta.numel() for stage in self.stages], parts)

    def _parts(self) -> list[range]:
        """The stages of each rank; rank 0 has the uppermost."""
        if self.world.size > self.depth:
            raise BadInput(f"{self.world.size} processes: allowed: at most {self.depth}, one a block")
        return self._shared_out(self.world.size)[::-1]

    @property
    def owned(self) -> list[Stage]:
        """The stages that this process computes."""
        return [self.stages[k] for k in self.mine]

    @property
    def is_top(self) -> bool:
        """Whether the uppermost stage is here, where losses arise."""
        return self._above is None

    @torch.no_grad()
    def step(self, sample: Sample, observe: bool = False) -> LearnerRecord:
        """One learning period of the scheme. Raises NonFinite, and BadInput for a shape, in all processes alike."""
        sample = as_sample(sample)
        self._shape = self._shape or sample.inputs.shape
        if self.one_shape and sample.inputs.shape != self._shape:
            raise BadInput(
                f"a sample of shape {tuple(sample.inputs.shape)} after one of {tuple(self._shape)}: scheme=local, and "
                "blocks in several processes, allow one shape"
            )
        with self.one_step(observe):
            start, waited = perf_counter(), self.world.waited
            c, phi = self.coefficients, self.coefficients.loss_weight(self.stages[-1].steps)
            record, shares = self._step(sample, observe)
            self._advance()
            self._stale = self.world.size > 1
            self.seconds += perf_counter() - start
            self.waited += self.world.waited - waited
            everyone = [one for part in self._collect(shares) for one in part] if observe else []
        if everyone and record.loss is not None and self.is_top:
            record = record._replace(physics=hamiltonian(record.loss, c.sign * phi, everyone, c.beta, c.tau))
        return record

    def _step(self, sample: Sample, observe: bool) -> tuple[LearnerRecord, list[Share]]:
        """What a scheme says: the record of the top stage (elsewhere an empty one), and the shares of H."""
        raise TypeError(f"{type(self).__name__} does not say how to step")

    def _said(self, y: Tensor, sample: Sample) -> tuple[LearnerRecord, Tensor | None]:
        """The record of what the top stage shows of a sample, and dL/dy; raises NonFinite."""
        if sample.target is None:
            return LearnerRecord(y, None), None
        loss, zeta = self._loss(y, sample.target.to(y.device))
        return LearnerRecord(y.to(sample.inputs.device), finite(loss.item(), "loss")), zeta

    def _collect(self, shares: list[Share]) -> list[list[Share]]:
        """Bring weights, buffers and shares of all ranks to rank 0."""
        if self.world.size == 1:
            return [shares]
        found = self.world.gather_objects((shares, {k: self.stages[k].shown() for k in self.mine}))
        for _, stages in found[1:]:
            for k, seen in stages.items():
                self.stages[k].show(seen)
        self._stale = False
        return [shares for shares, _ in found]

    def collect(self) -> None:
        """Let rank 0 have the weights of now; every rank calls this."""
        if self.is_top and self._stale:
            self.world.lead(Command.COLLECT)
        if self._stale:
            self._collect([])

    @torch.no_grad()
    def predict(self, inputs: Tensor) -> Tensor:
        """The net as it is, all stages at once; weights and costates stay. Rank 0 alone may ask."""
        self.collect()
        with evaluating(self.split.module):
            x = self.split.ticks(inputs)[0]
            for stage in self.stages:
                x = stage.look(x)
            return x.to(inputs.device)

    def phases(self) -> list[FlatWeights]:
        """A buffer a stage."""
        return [stage.phase for stage in self.stages]

    def state_dict(self) -> dict[str, Any]:
        """All that the next step depends on, of all ranks, for rank 0; every rank calls this, between two steps."""
        if self.is_top:
            self.world.lead(Command.SAVE)
        return gathered(self.world, {k: self.stages[k].state_dict() for k in self.mine}, self._way() | self._where())

    def _way(self) -> dict[str, Any]:
        """What is under way between stages, as hl_cli.learners.gathered takes it."""
        return {}

    def load_state_dict(self, state: dict[str, Any] | None) -> None:
        """Go on from there, in as many processes as there are now; the other ranks are given None."""
        if self.is_top:
            self.world.lead(Command.LOAD)
        whole = self.world.broadcast(state)
        for k, of in enumerate(whole["stages"]):
            if k in self.mine:
                self.stages[k].load_state_dict(of)
            else:
                self.stages[k].show((of["theta"], *of["buffers"]))
        self._go_on(whole)
        self._go_to(whole)
        self._stale = False

    def _go_on(self, way: dict[str, Any]) -> None:
        """Take what was under way."""
