r"""Credit `backward`: one period a sample, or sequence of T ticks; the costates run back over it. It equals BPTT.

    1. neurons    h(1..T) by the state net, y = f^y(h(T)), or f^y(h(t)) at every t that counts
    2. loss       L(y, target); zeta_y = dL/dy
    3. costates   zeta(T..1) through f^y, then back over the sequence; the drive g = dL/dtheta is summed on the way

Source: arXiv 2409.12038, sections 2 and 3.
"""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from hl_cli.credit.base import Credit, Ground, Period
from hl_cli.credit.readout import Readout
from hl_cli.dynamics.guards import finite
from hl_cli.dynamics.hamiltonian import Share, share_of
from hl_cli.networks.memory import ANCHOR_EVERY, check_memory
from hl_cli.networks.sequence import SequenceRun, joined, parted
from hl_cli.types import Sample


class Backward(Credit):
    """memory: "recompute", "segments", "store", or "reverse" with an anchor every so many ticks.

    See hl_cli.networks.memory.
    """

    recordable = True

    def __init__(self, ground: Ground, memory: str = "recompute", anchor_every: int = ANCHOR_EVERY) -> None:
        self._leak = ground.coefficients.leak
        check_memory(memory, ground.split.state, self._leak, anchor_every)
        self.split, self.weights, self.readout = ground.split, ground.weights, Readout(ground.split, ground.loss)
        self.memory, self.anchor_every = memory, anchor_every
        self._run: SequenceRun | None = None
        self.tick = self._tick

    def _over(self, inputs: Tensor) -> SequenceRun:
        return SequenceRun(self.split.state, self.split.ticks(inputs), self._leak, self.split.every)

    def periods(self, sample: Sample) -> Iterator[Period]:
        """One, or none where there is no target."""
        if sample.target is None:
            return
        y, value = self.tick(sample.inputs, sample.target)
        yield y, value, 1, True
        self._run = None  # what was kept of the ticks is not needed any more

    def only(self, sample: Sample) -> tuple[Tensor, Tensor] | None:
        """The whole sample."""
        return None if sample.target is None else (sample.inputs, sample.target)

    def _tick(self, inputs: Tensor, target: Tensor | None) -> tuple[Tensor, float]:
        """All ticks of a sample."""
        assert target is not None
        readout, drive = self.readout, self.weights.drive
        run = self._run = self._over(inputs)
        shown, tapes = run.run(self.memory, self.anchor_every), []
        for t, h in enumerate(shown):
            shown[t], tape = readout.record(h)
            tapes.append(tape)
        y = joined(shown)
        loss, zeta = readout.loss(y, target)
        value = self.mean_loss(loss.item())
        drive.start()
        zetas: list[Tensor | None] = [*parted(zeta, len(shown))]
        for t in reversed(range(len(zetas))):
            zetas[t] = readout.vjp(tapes[t], zetas[t], drive)
        if self.split.state:
            run.vjp(zetas, drive)
            if run.drift is not None:
                self.drift = max(self.drift or 0.0, finite(run.drift, "rebuilt state"))
        return y, value

    def share(self) -> Share:
        """Of the last tick of the sequence."""
        run, weights = self._run, self.weights
        assert run is not None
        return share_of(run.costates, run.before, run.after, weights.theta, weights.omega)

    def predict(self, inputs: Tensor) -> Tensor:
        """Let the neurons run over the inputs."""
        return joined([self.readout.show(h) for h in self._over(inputs).run()])
