r"""The fully local scheme: at every tick each stage reads what its neighbours showed a tick ago, and nothing else.

With D stages, one sample entering a tick, at tick t and for i = 1..D:

    h_i(t)      = F_i(x_i(t))                      x_1(t) = u(t), x_i(t) = h_{i-1}(t-1)
    zeta_D(t)   = dL/dy at (h_D(t-1), target)      the target travels with its sample: D-1 ticks
    zeta_i(t)   = (dF_{i+1}/dx)^T zeta_{i+1}(t-1)
    g_i         = (dF_i/dtheta)^T zeta_i(t), and one Euler step of (omega_i, theta_i)

zeta_i(t) belongs to the input of 2(D-i)+1 ticks ago. Without more, it meets the input of now, which is right where the
stream moves slowly; with `stash` a stage keeps its last 2(D-i)+2 inputs, and zeta meets its own, at the weights of now.
A stage is idle until its first input, and its weights until their first costate, has arrived. All stages compute at the
same time: on D devices the net is a pipeline that takes a sample a tick. Source: arXiv 2409.12038, on locality.

Weights move when all processes know that all values are finite. Where several processes have steps to go that nobody
looks at, those of a stage wait until its next tick: moved right before they are used, they are read from memory once
less, and the processes do not all ask the memory for their weights at the same time.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from torch import Tensor

from hl_cli.dynamics.hamiltonian import Share
from hl_cli.errors import NonFinite
from hl_cli.learners.pipeline import Pipeline
from hl_cli.parallel.links import Link
from hl_cli.types import LearnerRecord, Sample

Coming = list[tuple[Link, dict[int, Tensor], int]]


class Local(Pipeline):
    """The fully local scheme: at every tick a block reads only what its neighbours showed a tick ago.

    A sample enters at every tick. With D blocks

        h_i(t)    = F_i(h_{i-1}(t-1))                     z_i(t) = (dF_{i+1}/dx)^T z_{i+1}(t-1)

    so the costate of block i belongs to the input of 2(D-i)+1 ticks ago. stash: keep those inputs, so that a costate
    meets its own. A record is of the sample that entered D-1 ticks ago. Other arguments as for Blockwise.
    """

    def __init__(self, *arguments: Any, stash: bool = False, **options: Any) -> None:
        self.stash = stash
        super().__init__(*arguments, **options)
        self.ticks = 0
        self.one_shape = True  # samples of many ticks are in the pipeline at once
        self._transit: deque[Sample] = deque(maxlen=self.depth)
        self._counted: deque[bool] = deque(maxlen=2 * self.depth)  # whether each of the last samples has a target
        self._h: dict[int, Tensor] = {}  # what stages of this process showed a tick ago, by the stage that reads it
        self._zeta: dict[int, Tensor] = {}
        self._due: list[int] = []  # stages whose weights have still to follow their costates of the last tick

    def _age(self, index: int) -> int:
        return 2 * (self.depth - 1 - index) + 1 if self.stash else 0

    def _meets_costate(self, index: int) -> bool:
        """Whether the sample whose zeta reached a stage (from 0) in the last tick has entered, and counts."""
        ago = 2 * self.depth - 1 - index
        return len(self._counted) > ago and self._counted[-1 - ago]

    def _step(self, sample: Sample, observe: bool) -> tuple[LearnerRecord, list[Share]]:
        last, h, zeta = self.mine.stop - 1, self._h, self._zeta
        coming = self._coming()
        self._transit.append(sample)
        self._counted.append(sample.target is not None)
        if self.mine.start == 0:
            h[0] = self.split.ticks(sample.inputs)[0]
        self._h, self._zeta = {}, {}
        record, fault = LearnerRecord(sample.inputs[:0], None), None
        shares: list[Share] = []
        for k in reversed(self.mine):  # a stage does all it can in a go, while its weights are in the cache
            stage = self.stages[k]
            if k in self._due:
                stage.move_weights()
            self._receive(coming, h, k)
            if k in h:
                shown = stage.forward(h[k])
                if k < last:
                    self._h[k + 1] = shown
                elif self._above is not None:
                    self._above.send(shown)
                else:
                    record, fault = self._top(shown)
            self._receive(coming, zeta, k)
            if k in zeta:
                self._pass_down(k, stage.pull(zeta[k]))
            if observe:
                shares.append(stage.share(from_rest=False))
            if k in zeta:
                try:
                    stage.move_costate()
                except NonFinite as stop:
                    fault = fault or stop
        self.ticks += 1
        self._due = []
        self.agree(fault)
        self._due = list(zeta)
        if self.world.size == 1 or self.world.owed == 1:  # somebody may look at the weights
            while self._due:
                self.stages[self._due.pop()].move_weights()
        self._expect()
        return record, shares

    def _pass_down(self, index: int, below: Tensor | None) -> None:
        """Let zeta wait for the stage below, which meets it at the next tick."""
        if index == self.mine.start:
            if self._below is not None:
                self._below.send(below)
        elif below is not None:
            self._zeta[index - 1] = below

    def _top(self, y: Tensor) -> tuple[LearnerRecord, NonFinite | None]:
        """What the net says of the sample that entered D-1 ticks ago; its zeta waits for the next tick."""
        about = self._transit[0]
        try:
            record, zeta = self._said(y, about)
        except NonFinite as stop:
            return LearnerRecord(y, None), stop
        if zeta is not None:
            self._zeta[self.depth - 1] = zeta
        return record._replace(sample=about), None

    def _coming(self) -> Coming:
        """What neighbours have sent for the next tick and is not here: over which link, and for which stage."""
        first, last = self.mine.start, self.mine.stop - 1
        coming: Coming = []
        if self._below is not None and self.ticks >= first and first not in self._h:
            coming.append((self._below, self._h, first))
        if self._above is not None and self._meets_costate(last + 1) and last not in self._zeta:
            coming.append((self._above, self._zeta, last))
        return coming

    def _expect(self) -> None:
        """Let it come in while this process is busy elsewhere."""
        for link, *_ in self._coming():
            link.expect()

    @staticmethod
    def _receive(coming: Coming, waiting: dict[int, Tensor], index: int) -> None:
        """Wait for what comes to a stage, if anything does."""
        for link, of, stage in coming:
            if of is waiting and stage == index:
                of[stage] = link.receive()

    def _arrive(self) -> None:
        """Wait for all of it, once."""
        for link, waiting, index in self._coming():
            waiting[index] = link.receive()

    def _way(self) -> dict[str, Any]:
        self._arrive()
        return {
            "ticks": self.ticks,
            "transit": [tuple(sample) for sample in self._transit],
            "counted": list(self._counted),
            "h": self._h,
            "zeta": self._zeta,
        }

    def _go_on(self, way: dict[str, Any]) -> None:
        self._arrive()  # what was under way before is of another past
        self.ticks = way["ticks"]
        self._h, self._zeta = ({k: x for k, x in way[name].items() if k in self.mine} for name in ("h", "zeta"))
        self._transit.clear()
        self._transit.extend(Sample(*parts) for parts in way["transit"])
        self._counted.clear()
        self._counted.extend(way["counted"])
