"""The bar that a terminal shows while a run goes on."""

from __future__ import annotations

import sys

from tqdm import tqdm

from hl_cli.compare.burst import Burst
from hl_cli.compare.observer import Observer
from hl_cli.compare.record import StepRecord


class Progress(Observer):
    """A live bar on the terminal; silent where stderr is no terminal. labels: of the arms."""

    def __init__(self, steps: int, labels: dict[str, str], done: int = 0) -> None:
        self._labels = labels
        self._bar = tqdm(
            total=steps, initial=done, unit="step", disable=None, leave=False, file=sys.stderr, dynamic_ncols=True
        )

    def consume(self, record: StepRecord) -> None:
        """One step further; the losses at measured steps."""
        self._bar.update(1)
        if record.measured and not self._bar.disable:
            losses = {f"{self._labels[name]} loss": f"{means[0]:.3f}" for name, means in record.means.items()}
            self._bar.set_postfix(losses, refresh=False)

    def consume_burst(self, burst: Burst) -> None:
        """So many steps further."""
        self._bar.update(len(burst) - 1)
        self.consume(burst.notable[-1])

    def close(self) -> None:
        """Remove the bar."""
        self._bar.close()
