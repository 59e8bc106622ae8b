"""The only training loop: the same samples for all arms, what they said of them, how far their weights are apart.

It is a generator: it yields and does nothing else. Consumers write, draw and print.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from hl_cli.compare.burst import Burst
from hl_cli.compare.differences import Differences
from hl_cli.compare.draws import Draws
from hl_cli.compare.metrics import Measure, evaluate
from hl_cli.compare.pairs import Pair, Pairs
from hl_cli.compare.record import Divergence, StepRecord
from hl_cli.compare.resume_point import Begun, ResumePoint
from hl_cli.compare.schedule import Schedule
from hl_cli.compare.stretches import Stretches
from hl_cli.compare.trace import Trace
from hl_cli.learners.base import Learner
from hl_cli.streams.base import Stream
from hl_cli.streams.given import Given
from hl_cli.streams.samples import led_by
from hl_cli.types import Sample, Scores

BURST = 2**20  # numbers, weights and inputs, that a burst may keep
LONGEST = 1000  # steps of a burst


def _scores(learners: Iterable[Learner], part: Sample, measure: Measure) -> dict[str, Scores]:
    return {learner.name: evaluate(learner, part, measure) for learner in learners}


def _finite(scores: dict[str, Scores], traces: dict[str, Trace], step: int) -> dict[str, Scores]:
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
    stop() is asked before each burst, and in one after each stretch (hl_cli.compare.stretches): one more step follows
    then, and is looked at. rest(here, interrupted) is called before each burst, after the last, and where one was
    broken off, but not after the step that stop() made the last; start: where to go on, with all else as it was there;
    draws: what random numbers the arms share. A sample that no arm can take ends the stream; BadSample is raised once
    the steps before it were given.
    """
    told = (stream, arms, measure, schedule, pairs, stop, start, rest, draws)
    for burst in compare_bursts(*told):
        yield from burst.records


def compare_bursts(
    stream: Stream,
    arms: Sequence[Learner],
    measure: Measure,
    schedule: Schedule,
    pairs: Pairs,
    stop: Callable[[], bool] = lambda: False,
    start: ResumePoint | None = None,
    rest: Callable[[ResumePoint, bool], None] = lambda here, interrupted: None,
    draws: Draws | None = None,
) -> Iterator[Burst]:
    """The same, a burst at a time."""
    draws, given = draws or Draws(), Given(stream, measure.task, start.step + len(start.given) if start else 0)
    step, limit, names, upcoming, begun = start or ResumePoint(
        alive=tuple(arm.name for arm in arms), upcoming=given.one()
    )  # one sample ahead, to know which is the last
    alive: list[Learner] = [arm for arm in arms if arm.name in names]
    stretches = Stretches(pairs, draws, lambda: given.fault is None and stop())  # a fault is in no checkpoint
    last = interrupted = False
    while alive and not last and (begun or upcoming is not None):
        interrupted = stop()
        rest(ResumePoint(step, limit, tuple(arm.name for arm in alive), upcoming, begun), interrupted)
        again = begun is not None
        if begun is None:
            assert upcoming is not None
            samples = led_by(upcoming, given.some(0 if interrupted else schedule.burst(step, limit) - 1))
            begun, upcoming = Begun(samples, stream.current_task(), tuple(arm.name for arm in alive)), None
        samples = begun.samples[:1] if interrupted else begun.samples
        end = step + len(samples)
        if upcoming is None and not schedule.over(end):
            upcoming = given.one()
        last = interrupted or upcoming is None
        measured = last or schedule.measures(end)
        limit = max(1, min(LONGEST, 2 * BURST // (pairs.snapshot_size + 2 * samples[0].inputs.numel())))
        traces = {arm.name: Trace() for arm in alive}
        beginners = [arm for arm in arms if arm.name in begun.arms]
        done = stretches.take(beginners, traces, samples, step, measured, again)
        whole = done == len(samples)
        end, last, measured = step + done, last and whole, measured and whole
        for trace in traces.values():
            trace.counted = trace.count(samples, measure)
        drew = draws.drew(begun.arms, pairs.reference) if whole else {}
        alive = [arm for arm in alive if not traces[arm.name].diverged]
        held_out, tasks = None, None
        if last or schedule.evaluates(end):
            held_out = _finite(_scores(draws.each(alive), stream.held_out(), measure), traces, end)
            alive = [arm for arm in alive if arm.name in held_out]
        if schedule.ends_task(end) or (last and schedule.period):
            parts = stream.held_out_tasks().items()
            tasks = {task: _scores(draws.each(alive), part, measure) for task, part in parts}
        gone = [one for trace in traces.values() for one in trace.diverged]
        last_step = max(one.step for one in gone) if len(gone) == len(traces) else end  # all diverged before its end
        at_end = {"held_out": held_out, "tasks": tasks, "trained": begun.task, "drew": drew}
        yield _burst(step + 1, last_step, end, samples, traces, gone, pairs, measured, at_end)
        step, begun = last_step, None if whole else begun._replace(samples=samples[done:])
    if not interrupted:
        given.raise_fault()
        rest(ResumePoint(step, limit, tuple(arm.name for arm in alive)), False)


def _burst(
    first: int,
    last: int,
    end: int,
    samples: Sequence[Sample],
    traces: dict[str, Trace],
    gone: Sequence[Divergence],
    pairs: Pairs,
    measured: bool,
    at_end: dict[str, Any],
) -> Burst:
    """Put together what the arms said; gone: those that diverge in it; at_end: what is known where it is whole."""
    apart: Sequence[Mapping[str, Pair]] = [{}] * (last - first + 1)
    if pairs.of:
        steps = range(first, last + 1)
        apart = [_apart(step, step - first, traces, gone, pairs, measured and step == end) for step in steps]

    def record(step: int) -> StepRecord:
        k = step - first
        there = {name: trace for name, trace in traces.items() if k < trace.steps}
        means = {name: found for name, trace in there.items() if (found := trace.counted.of(k)) is not None}
        here = measured and step == end
        physics = {name: of for name, trace in there.items() if here and (of := trace.physics)}
        diverged = tuple(one for one in gone if one.step == step)
        said = {name: trace.said(k) for name, trace in there.items()}
        one = StepRecord(step, means, here, apart[k], physics, sample=samples[k], said=said, diverged=diverged)
        return one._replace(**at_end) if step == end else one

    told = {one.step for one in gone} | {first + k for k, of in enumerate(apart) if of and _told(of)}
    return Burst(first, last, {name: t.counted for name, t in traces.items()}, record, sorted({last, *told}))


def _apart(
    step: int, k: int, traces: dict[str, Trace], gone: Sequence[Divergence], pairs: Pairs, measured: bool
) -> Mapping[str, Pair]:
    """How far the arms are from the reference after the k-th step of a burst."""
    taken = {name: trace.snapshots[k] for name, trace in traces.items() if k < len(trace.snapshots)}
    snapshots = {name: snapshot for name, snapshot in taken.items() if snapshot is not None}
    ending = {one.learner for one in gone if traces[one.learner].steps == k + 1}
    return pairs.compare(step, snapshots, measured, ending)


def _told(apart: Mapping[str, Pair]) -> bool:
    """Whether there is more to tell than that weights are equal, or not."""
    return any(pair.distance is not None or pair.by_tensor is not None for pair in apart.values())


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
