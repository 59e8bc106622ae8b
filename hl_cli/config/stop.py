"""The config of early stopping: when a run ends before its steps are done."""

from __future__ import annotations

from dataclasses import dataclass

from hl_cli.config.fields import described


@dataclass
class Stop:
    """Null: never. Weights stay those of the end, also where earlier ones scored better."""

    loss: float | None = described(
        None,
        "end early once the loss over the last 100 steps is below it in every arm that learns; looked at every "
        "log_every steps",
        above=0,
    )
    patience: int | None = described(
        None, "end early after so many held-out evaluations in which no arm's held-out loss improved", least=1
    )
