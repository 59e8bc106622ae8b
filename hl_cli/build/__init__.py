"""From config to objects: the only place that sees both. Each choice is a line in a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import torch
from omegaconf import DictConfig

from hl_cli.build.arms import Workshop
from hl_cli.build.early_stop import check_early_stop
from hl_cli.build.fitting import fitted, remark
from hl_cli.build.free_run import check_free_run
from hl_cli.build.schedule import schedule_of
from hl_cli.build.streams import stream_of
from hl_cli.compare.arm import Arm
from hl_cli.compare.draws import Draws
from hl_cli.compare.free_run import Tick
from hl_cli.compare.metrics import Measure
from hl_cli.compare.schedule import Schedule
from hl_cli.config import Run, validation
from hl_cli.config.arms import taking_part
from hl_cli.dynamics.equivalence import SGD, Coefficients
from hl_cli.dynamics.stock import Stock
from hl_cli.learners.base import Learner
from hl_cli.learners.device import use_device
from hl_cli.networks.losses import loss_of
from hl_cli.parallel.world import World
from hl_cli.streams import chance
from hl_cli.streams.base import Stream
from hl_cli.streams.held import Held

AT_REST = (
    "; held-out scores are of frozen weights, and the state is carried on from where it is: of a net that learns at "
    "every tick, the scores over all steps say more"
)


@dataclass(frozen=True)
class Comparison:
    """All that a run needs, built. reference: the arm that the others are measured against, None where there is one
    arm alone; note: what a user should know of the run as a whole; fresh_stream starts again from the very beginning.
    """

    stream: Stream
    arms: dict[str, Arm]
    reference: str | None
    measure: Measure
    schedule: Schedule
    loss: str
    shorter: str
    draws: Draws
    fresh_stream: Callable[[], Stream]

    @property
    def learners(self) -> list[Learner]:
        """Those of all arms, in order."""
        return [arm.learner for arm in self.arms.values()]

    @property
    def comparable(self) -> list[Learner]:
        """Those whose weights can be held to the weights of the reference."""
        return [arm.learner for arm in self.arms.values() if arm.comparable]

    @property
    def labels(self) -> dict[str, str]:
        """What the arms are called for people."""
        return {name: arm.label for name, arm in self.arms.items()}

    @property
    def primary(self) -> Arm:
        """The arm that the verdict of the run is about: the first, but the reference, that is meant to equal it."""
        others = [arm for name, arm in self.arms.items() if name != self.reference]
        return next((arm for arm in others if not arm.another_method), others[0])

    @property
    def theory(self) -> Arm:
        """The arm whose coefficients are told of the run: the first that has any."""
        arms = list(self.arms.values())
        known = [arm for arm in arms if arm.coefficients] + [arm for arm in arms if arm.sgd]
        return next(iter([*known, *arms]))

    @property
    def note(self) -> str:
        """What a user should know before the run, of its first arm that has something to tell."""
        return next((arm.note for arm in self.arms.values() if arm.note), "no arm of HL") + (
            self.shorter + (AT_REST if any(learner.lives_on for learner in self.learners) else "")
        )

    @property
    def hl(self) -> Any:
        """The learner of the arm hl."""
        return self.arms["hl"].learner

    @property
    def pytorch(self) -> Any:
        """The learner of the arm pytorch."""
        return self.arms["pytorch"].learner

    @property
    def physics(self) -> Coefficients | None:
        """HL's numbers, of the first arm that has any."""
        return self.theory.coefficients

    @property
    def sgd(self) -> SGD | Stock | None:
        """The optimizer that equals it."""
        return self.theory.sgd

    @property
    def baseline(self) -> str:
        """What the reference is, in words; nothing where there is one arm alone."""
        return "" if self.reference is None else self.arms[self.reference].described

    @property
    def another_method(self) -> str:
        """Why the primary arm is not meant to equal the reference; nothing where it is."""
        return self.primary.another_method

    def alone(self) -> dict[str, Tick]:
        """A tick of each arm whose state is carried on, for a free run."""
        return {arm.name: arm.alone() for arm in self.learners if hasattr(arm, "alone")}

    @property
    def fresh_reference(self) -> Callable[[], Learner] | None:
        """Makes the reference at its start, where it can be had again."""
        return None if self.reference is None else self.arms[self.reference].fresh

    @property
    def fresh_pytorch(self) -> Any:
        """Makes the learner of the arm pytorch at its start."""
        return self.arms["pytorch"].fresh


def comparison(cfg: DictConfig, world: World | None = None, split_asked: bool = True) -> Comparison:
    """Check and build everything; raises BadInput before anything is written.

    world: the processes of the run; split_asked: whether the split is the user's choice. Where it is not, and a net of
    the user's own cannot have it, cfg then has one that fits. Where cfg leaves log_every and eval_every open, it then
    has their numbers.
    """
    validation.check(cfg)
    given, cfg = cfg, fitted(taking_part(cfg))
    device = use_device(cfg.device, cfg.dtype, cfg.threads)
    dtype = getattr(torch, cfg.dtype)

    def fresh_stream() -> Stream:
        chance.seed_all(cfg.seed)  # a stream of the user's may draw from it
        stream = stream_of(cfg.stream, cfg.batch_size, cfg.seed, dtype, device)
        return stream if cfg.hold == 1 else Held(stream, cfg.hold)

    stream = fresh_stream()
    schedule, shorter = schedule_of(given, stream)
    loss, outputs = loss_of(stream.task, cfg.loss)
    measure = Measure(stream.task, loss, stream.held_out().baseline is not None)
    workshop = Workshop(cfg, stream, fresh_stream, measure.loss, outputs, device, world or World())
    if not split_asked:
        workshop.fit_split()
        given.split.name = cfg.split.name  # what the run is said to have
    arms = workshop.arms()
    typed = cast(Run, cfg)
    check_early_stop(cast(Run, given), arms)
    check_free_run(typed, stream, outputs, [arm.learner for arm in arms])
    begin = chance.state_dict()

    def again() -> Stream:
        stream = fresh_stream()
        chance.load_state_dict(begin)
        return stream

    return Comparison(
        stream=stream,
        arms={arm.name: arm for arm in arms},
        reference=workshop.reference,
        measure=measure,
        schedule=schedule,
        loss=loss,
        shorter=shorter + remark(stream, [arm.learner for arm in arms]),
        fresh_stream=again,
        draws=workshop.draws,
    )
