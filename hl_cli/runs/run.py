"""One run from config to files: build, compare, judge, write."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import cast

from hydra.types import RunMode
from omegaconf import DictConfig

from hl_cli.build import Comparison, comparison
from hl_cli.build.observers import check_observers, observers
from hl_cli.compare.burst import Burst
from hl_cli.compare.early_stop import EarlyStop
from hl_cli.compare.observer import Observer
from hl_cli.compare.pairs import Pairs
from hl_cli.compare.resume_point import ResumePoint
from hl_cli.compare.running_metrics import RunningMetrics
from hl_cli.compare.side_by_side import compare_bursts
from hl_cli.config import Run
from hl_cli.config.unresolved import Hidden
from hl_cli.errors import BadSample, LostRank
from hl_cli.networks.attributes import CannotSave
from hl_cli.parallel.world import World
from hl_cli.reporting import console
from hl_cli.reporting.checkpoints import Checkpoints, is_end, saved
from hl_cli.reporting.progress import Progress
from hl_cli.reporting.sums import write_sums
from hl_cli.runs.about import about_run
from hl_cli.runs.config_files import keep_intervals, write_config
from hl_cli.runs.dry_run import dry_run
from hl_cli.runs.finish import Outcome, finish
from hl_cli.runs.folder import check_vacant, of_hydra
from hl_cli.runs.heap import settled
from hl_cli.runs.provenance import MadeWith, made_with
from hl_cli.runs.restart import Start, alone, clear, find
from hl_cli.runs.resume import Resumed
from hl_cli.runs.signals import Interruption
from hl_cli.runs.state import RunState, attributes_of, why_never


def run(
    cfg: DictConfig,
    folder: Path,
    hydra: DictConfig | None = None,
    command: str = "hl-run",
    stop: Interruption | None = None,
    world: World | None = None,
    resumed: Resumed | None = None,
) -> Outcome:
    """Run the config into an empty folder; raises BadInput before anything is written there.

    stop: signals that end the run early, with its files finished; world: the processes of the run; resumed: go on
    with the run that was left in the folder.
    """
    stop, world = stop or Interruption(), world or World()
    asked = hydra is None or any(str(said).startswith("split") for said in hydra.overrides.task)
    if resumed:
        keep_intervals(cfg, resumed.folder)
    built = comparison(cfg, world, asked)
    check_observers(cfg, built, world.size)
    with alone(folder), stop:  # no signal may come between what the processes say to one another
        if resumed is None:
            check_vacant(folder, of_hydra(hydra, folder) if hydra else ())
        made = made_with(cfg, built.stream.files)
        start = find(cfg, resumed, made) if resumed else Start()
        world.enlist(cfg, made_with(cfg, built.stream.files, among_ranks=True) if world.size > 1 else None)
        if cfg.dry_run:
            with world.leading():
                return dry_run(cast(Run, cfg), built, folder)
        with world.leading():  # from here on there is something to finish
            if resumed:
                clear(folder, start)
            write_config(cfg, folder, hydra)
            extent = "light" if hydra is not None and hydra.mode == RunMode.MULTIRUN else "full"
            began = start if resumed else None
            return conduct(cfg, built, folder, command, stop, began, world, made, cfg.report or extent)


def conduct(
    cfg: DictConfig,
    built: Comparison,
    folder: Path,
    command: str,
    stop: Interruption,
    start: Start | None,
    world: World,
    made: MadeWith,
    extent: str,
) -> Outcome:
    """Take the steps from `start`, or from the first, and write all files.

    extent: of the report; where it is not the user's choice, a run without a checkpoint of its end has all of it.
    """
    state = start.state if start else None
    history = list(start.resumed) if start else []
    typed = cast(Run, cfg)
    about = Hidden(cfg)({**about_run(typed, built, command), "resumed": history})
    console.say(
        "\n".join([console.opening(about | {"reference": built.reference}), *([start.said()] if start else [])])
    )
    pairs, tally = Pairs(built.comparable, built.reference), RunningMetrics(built.measure, tuple(built.arms))
    with ExitStack() as files:
        seen = observers(cfg, built, folder, tally, pairs, state, files, world.size)
        early = seen.get("early_stop")
        schedule = replace(built.schedule, enough=early) if isinstance(early, EarlyStop) else built.schedule
        standing = RunState(cfg, built, pairs, seen, world, made, history, attributes_of(built))
        here = standing.load_state_dict(state) if state else None
        progress = Progress(built.schedule.steps, built.labels, here.step if here else 0)
        files.callback(progress.close)
        rest = _keeper(standing, folder, here)
        files.enter_context(settled())
        told = (built.stream, built.learners, built.measure, schedule, pairs, stop, here, rest, built.draws)
        lost = _consume(compare_bursts(*told), [*seen.values(), progress])
    write_sums(folder, {name: mark for observer in seen.values() for name, mark in observer.marks().items()})
    for observer in seen.values():
        about |= observer.facts()
    later = typed.report or any(map(is_end, saved(folder)[:1]))  # what is left out can be made then
    return finish(typed, built, folder, about, tally, pairs, seen, stop, lost, extent if later else "full")


def _keeper(standing: RunState, folder: Path, start: ResumePoint | None) -> Callable[[ResumePoint, bool], None]:
    """What is done between bursts: a checkpoint, where one is due or a signal has come."""
    files = Checkpoints(
        folder, standing.cfg.checkpoint_every, standing.cfg.keep_checkpoints, start.step if start else 0
    )
    never, looked = why_never(standing.built), False
    if never:
        console.say(f"  note      no checkpoints, so that resume= begins again from the start: {never}")

    def rest(here: ResumePoint, interrupted: bool) -> None:
        nonlocal never, looked
        over = not here.given
        if never or here == start:
            return
        try:
            if interrupted or files.due(here.step, over):
                files.save(here.step, standing.state_dict(here), over)
            elif here.step and not looked:  # soon, not after the hours until the first checkpoint
                looked, _ = True, standing.outside()
        except CannotSave as cannot:
            never = str(cannot)
            console.say(f"  note      no checkpoints from step {here.step} on, so that resume= begins before: {never}")

    return rest


def _consume(bursts: Iterator[Burst], consumers: Sequence[Observer]) -> LostRank | BadSample | None:
    """Hand each burst to all consumers; return what ended the run, but not its files: a lost process, a bad sample."""
    try:
        for burst in bursts:
            for consumer in consumers:
                consumer.consume_burst(burst)
    except (LostRank, BadSample) as lost:
        if isinstance(lost, LostRank):
            print(f"hl-run: ended by {lost}; what was done is being written", file=sys.stderr, flush=True)
        return lost
    return None
