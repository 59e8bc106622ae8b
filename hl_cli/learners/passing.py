r"""Two schemes in which a sample climbs and its costate comes down before the next one enters: `blocks` and `wave`.

blocks   all within one tick; then all weights tick together
wave     the sample is held for 2D ticks: at tick k stage k+1 sees what stage k shows, at tick D-1 the loss is an
         impulse, at tick 2D-k stage k meets its costate, and its weights tick there and then. Then zeta is 0 again.

Between two ticks of its own a stage sees neither another input nor a costate, and its weights rest: it stays as it is
and need not be computed. Both give the bits of back-propagation with SGD: at its tick, zeta_k of `wave` was pulled down
through weights that had not moved when it passed them, and inputs do not change while a sample is held.
"""

from __future__ import annotations

import torch
from torch import Tensor

from hl_cli.dynamics.hamiltonian import Share
from hl_cli.errors import NonFinite
from hl_cli.learners.pipeline import Pipeline
from hl_cli.types import LearnerRecord, Sample


class Blockwise(Pipeline):
    """Each block back-propagates inside itself; between blocks only the state h and its costate pass.

    The weights are those of back-propagation with SGD, bit for bit. cut: how many blocks, or the layers (from 1)
    before which to cut; None: a layer each. devices: where the blocks sit, bottom first.
    """

    weights_tick_together = True

    def _step(self, sample: Sample, observe: bool) -> tuple[LearnerRecord, list[Share]]:
        h = self._climb(self.split.ticks(sample.inputs)[0])
        record, zeta, fault = LearnerRecord(h, None), None, None
        if self.is_top:
            try:
                record, zeta = self._said(h, sample)
            except NonFinite as stop:
                zeta, fault = torch.full_like(h, torch.nan), stop  # so that no stage takes a step
        if sample.target is None:
            return record, []
        shares, fault = self._descend(zeta, observe, fault)
        if self.weights_tick_together and fault is None:
            try:
                for stage in reversed(self.owned):
                    stage.move_costate()
            except NonFinite as stop:
                fault = stop
        self.agree(fault)
        if self.weights_tick_together:
            for stage in self.owned:
                stage.move_weights()
        return record, shares

    def _climb(self, x: Tensor) -> Tensor:
        """Let h pass through the stages of this process; return what the uppermost of them shows."""
        if self._below is not None:
            x = self._below.receive()
        for stage in self.owned:
            x = stage.forward(x)
        if self._above is not None:
            self._above.send(x)
        return x

    def _descend(
        self, zeta: Tensor | None, observe: bool, fault: NonFinite | None
    ) -> tuple[list[Share], NonFinite | None]:
        """Let zeta pass down; return the shares of H, and the first fault that a stage met."""
        if self._above is not None:
            zeta = self._above.receive()
        shares: list[Share] = []
        for stage in reversed(self.owned):
            zeta = stage.pull(zeta)
            if observe:
                shares.append(stage.share(from_rest=True))
            if not self.weights_tick_together and fault is None:
                try:
                    stage.move_costate()
                    stage.move_weights()
                except NonFinite as stop:
                    fault = stop
        if self._below is not None:
            self._below.send(zeta if fault is None or zeta is None else torch.full_like(zeta, torch.nan))
        return shares, fault


class Wave(Blockwise):
    """A sample is held for 2D ticks (D blocks), and each block updates at the tick when its costate passes.

    The weights are those of back-propagation with SGD, bit for bit. A block that meets a value that is not finite
    stops; those above it have taken their step. Arguments as for Blockwise.
    """

    weights_tick_together = False
