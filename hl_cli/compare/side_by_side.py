"""The only training loop: the same samples for all arms, what they said of them, how far their weights are apart.

It is a generator: it yields and does nothing else. Consumers write, draw and print.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from hl_cli.compare.bursts import taken
from hl_cli.compare.differences import Differences
from hl_cli.compare.draws import Draws
from hl_cli.compare.metrics import Means, Measure, evaluate
from hl_cli.compare.pairs import Pairs
from hl_cli.compare.record import Divergence, StepRecord
from hl_cli.compare.resume_point import ResumePoint
from hl_cli.compare.schedule import Schedule
from hl_cli.errors import NonFinite
from hl_cli.learners.base import Learner
from hl_cli.streams.base import Stream
from hl_cli.streams.given import Given
from hl_cli.types import LearnerRecord, Physics, Sample, Scores

BURST = 2**20  # numbers, weights and inputs, that a burst may keep
NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass
class _Trace:
    """What one learner said in a burst, and its weights after each step."""

    said: list[LearnerRecord] = field(default_factory=list)
    means: list[Means | None] = field(default_factory=list)
    snapshots: list[Tensor | None] = field(default_factory=list)
    physics: Physics | None = None
    diverged: tuple[Divergence, ...] = ()


def _advance(
    learner: Learner, samples: list[Sample], step: int, observe: bool, pairs: Pairs, measure: Measure
) -> _Trace:
    """Let a learner take the samples one after the other; observe: ask for the physics of the last."""
    trace = _Trace()
    said = trace.said
    learner.expect(len(samples), observe)
    try:
        for record, snapshot in taken(learner, samples, observe, lambda: pairs.watched(learner.name)):
            said.append(record)
            trace.snapshots.append(snapshot)
            trace.physics = record.physics
    except NonFinite as stop:
        culprit = _not_finite(samples[len(said)])
        said_so = (culprit,) if culprit else (stop.quantity, stop.how, stop.advice)
        trace.diverged = (Divergence(step + len(said) + 1, learner.name, *said_so),)
    of = (r.sample or s for r, s in zip(said, samples, strict=False))
    counted = [(r.loss, r.prediction, s) for r, s in zip(said, of, strict=True) if r.loss is not None]
    found = iter(measure.means(*map(list, zip(*counted, strict=True)))) if counted else iter(())
    trace.means = [None if r.loss is None else next(found) for r in said]
    return trace


def _not_finite(sample: Sample) -> str | None:
    """What of a sample is not finite, if anything: then the learner is not to blame."""
    for name, part in sample._asdict().items():
        if isinstance(part, Tensor) and part.is_floating_point() and not bool(torch.isfinite(part).all()):
            return f"sample's {name}"
    return None


def _scores(learners: Iterable[Learner], part: Sample, measure: Measure) -> dict[str, Scores]:
    return {learner.name: evaluate(learner, part, measure) for learner in learners}


def _finite(scores: dict[str, Scores], traces: dict[str, _Trace], step: int) -> dict[str, Scores]:
    """Leave out a learner whose held-out loss is not finite: it has diverged."""
    for name in [name for name, of in scores.items() if not math.isfinite(of["loss"])]:
        traces[name].diverged = (Divergence(step, name, "held-out loss"),)
        del scores[name]
    return scores


def compare_arms(
    stream: Stream,
    arms: Sequence[Learner],
    measure: Measure,
    schedule: Schedule,
    pairs: Pairs,
    stop: Callable[[], bool] = lambda: False,
    start: ResumePoint | None = None,
    rest: Callable[[ResumePoint, bool], None] = lambda here, interrupted: None,
    draws: Draws | None = None,
) -> Iterator[StepRecord]:
    """Yield a record a step until the schedule is over, stop() says so, the stream ends, or all arms have diverged.

    Each arm takes a burst of samples before the next takes the same ones: alternating at every step makes all a fifth
    slower, for the caches of the machine. At a measured step all stand exactly there.
    rest(here, interrupted) is called before each burst and after the last, but not after the step that stop() made
    the last; start: where to go on, with everything else as it was there; draws: what random numbers the arms share. A
    sample that no arm can take ends the stream; BadSample is raised once the steps before it were given.
    """
    draws, given = draws or Draws(), Given(stream, measure.task, start.step + 1 if start else 0)
    step, limit, names, upcoming = start or ResumePoint(
        alive=tuple(arm.name for arm in arms), upcoming=given.one()
    )  # one sample ahead, to know which is the last
    alive: list[Learner] = [arm for arm in arms if arm.name in names]
    last = interrupted = False
    while alive and not last and upcoming is not None:
        interrupted = stop()
        rest(ResumePoint(step, limit, tuple(arm.name for arm in alive), upcoming), interrupted)
        samples = [upcoming, *given.some(0 if interrupted else schedule.burst(step, limit) - 1)]
        end = step + len(samples)
        trained = stream.current_task()
        upcoming = None if schedule.over(end) else given.one()
        last = interrupted or upcoming is None
        measured = last or schedule.measures(end)
        limit = max(1, 2 * BURST // (pairs.snapshot_size + 2 * samples[0].inputs.numel()))
        traces = {arm.name: _advance(arm, samples, step, measured, pairs, measure) for arm in draws.each(alive)}
        drew = draws.drew(list(traces), pairs.reference)
        alive = [arm for arm in alive if not traces[arm.name].diverged]
        held_out, tasks = None, None
        if last or schedule.evaluates(end):
            held_out = _finite(_scores(draws.each(alive), stream.held_out(), measure), traces, end)
            alive = [arm for arm in alive if arm.name in held_out]
        if schedule.ends_task(end) or (last and schedule.period):
            parts = stream.held_out_tasks().items()
            tasks = {task: _scores(draws.each(alive), part, measure) for task, part in parts}
        gone = [one for trace in traces.values() for one in trace.diverged]
        for k in range(len(samples)):
            if len(gone) == len(traces) and all(one.step <= step for one in gone):
                break  # all have diverged before this step
            step += 1
            record = _record(step, k, samples[k], traces, gone, pairs, measured and step == end)
            if step == end:
                record = record._replace(held_out=held_out, tasks=tasks, trained=trained, drew=drew)
            yield record
    if not interrupted:
        given.raise_fault()
        rest(ResumePoint(step, limit, tuple(arm.name for arm in alive)), False)


def _record(
    step: int,
    k: int,
    sample: Sample,
    traces: dict[str, _Trace],
    gone: list[Divergence],
    pairs: Pairs,
    measured: bool,
) -> StepRecord:
    """Put together what the arms said at the k-th step of a burst; gone: those that diverge in it."""
    there = {name: trace for name, trace in traces.items() if k < len(trace.said)} if gone else traces
    means = {name: found for name, trace in there.items() if (found := trace.means[k]) is not None}
    snapshots = {name: bits for name, trace in there.items() if (bits := trace.snapshots[k]) is not None}
    ending = {one.learner for one in gone if len(traces[one.learner].means) == k + 1}
    apart = pairs.compare(step, snapshots, measured, ending) if snapshots else NOTHING
    physics = {name: of for name, trace in there.items() if (of := trace.physics)} if measured else NOTHING
    diverged = tuple([one for one in gone if one.step == step])
    said = {name: trace.said[k] for name, trace in there.items()}
    return StepRecord(step, means, measured, apart, physics, None, None, None, sample, said, diverged)


def side_by_side(
    stream: Stream,
    hl: Learner,
    pytorch: Learner,
    measure: Measure,
    schedule: Schedule,
    differences: Differences,
    stop: Callable[[], bool] = lambda: False,
    start: ResumePoint | None = None,
    rest: Callable[[ResumePoint, bool], None] = lambda here, interrupted: None,
    draws: Draws | None = None,
) -> Iterator[StepRecord]:
    """Compare two learners on one stream, step by step: the first against the second. Yields a record a step."""
    return compare_arms(stream, (hl, pytorch), measure, schedule, Pairs.single(differences), stop, start, rest, draws)
