"""The configs of observers: what a run looks at beside its scores. The class of a config says which one is built."""

from __future__ import annotations

from dataclasses import dataclass

from hl_cli.config.fields import described


@dataclass
class Observe:
    """An observer sees every step of a run, writes files and a section of the report, and changes no arm."""


@dataclass
class ObserveCredit(Observe):
    """Each arm's gradient over the last samples, compared with the exact one, at the weights of the moment."""

    every: int = described(1000, "steps between two looks, a multiple of log_every", least=1)
    over: int = described(
        100, "the last so many samples are run again from rest, weights frozen, and their gradients averaged", least=1
    )


OBSERVERS: tuple[type[Observe], ...] = (ObserveCredit,)
