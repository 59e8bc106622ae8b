"""What a process other than rank 0 does: it is given configs, builds the same objects, and steps when it is told to.

It writes nothing and has no PyTorch arm. Signals are rank 0's to answer: it then ends the run for all.
"""

from __future__ import annotations

import contextlib
import signal
import sys
from typing import Any

from hl_cli.build import Comparison, comparison
from hl_cli.config.messages import format_error
from hl_cli.errors import LostRank, NonFinite
from hl_cli.learners.stage_report import stage_reports
from hl_cli.networks.attributes import Attributes, CannotSave
from hl_cli.parallel import rank
from hl_cli.parallel.command import Command
from hl_cli.parallel.rendezvous import rendezvous
from hl_cli.parallel.world import World
from hl_cli.runs.provenance import changes, made_with
from hl_cli.runs.signals import exit_at_once, handled
from hl_cli.streams import chance


def follow() -> int:
    """Serve until rank 0 has no more configs; return the exit code. A failure ends the process here, at once."""
    for number in handled():
        signal.signal(number, signal.SIG_IGN)
    world, me = World(), f"hl-run: rank {rank()}"
    try:
        world = rendezvous()
        while (told := world.broadcast()) is not None:
            cfg, of_rank_0 = told
            built, fault = None, None
            try:
                built = comparison(cfg, world)
                if apart := changes(of_rank_0, made_with(cfg, built.stream.files, among_ranks=True)):
                    fault = f"rank {world.rank} has {', '.join(apart)}; allowed: what rank 0 has"
            except LostRank:
                raise
            except Exception as error:
                fault = f"rank {world.rank}: {format_error(error)}"
            world.open_channel()
            world.gather_objects(fault)
            if not world.agree(fault is not None) and built is not None:
                _serve(built, world)
    except LostRank as lost:
        print(f"{me}: ended by {lost}", file=sys.stderr)
        exit_at_once(1)
    except Exception as error:
        world.leave(f"the failure of rank {world.rank} ({format_error(error)})")
        print(f"{me}: {format_error(error)}", file=sys.stderr)
        exit_at_once(1)
    world.close()
    if world.lost:
        exit_at_once(0)
    return 0


def _serve(built: Comparison, world: World) -> None:
    """Do what rank 0 orders until its run ends."""
    hl: Any = built.theory.learner
    attributes = Attributes(hl.split.module)
    while (told := world.follow())[0] is not Command.END:
        order, steps = told
        if order in (Command.STEPS, Command.OBSERVED_STEPS):
            observe = order is Command.OBSERVED_STEPS
            hl.expect(steps, observe)
            with contextlib.suppress(NonFinite):  # rank 0 meets it too, and says it
                for k in range(steps):
                    hl.step(next(built.stream), observe and k == steps - 1)
        elif order is Command.COLLECT:
            hl.collect()
        elif order is Command.REPORT:
            stage_reports(hl)
        elif order is Command.SAVE:
            hl.state_dict()
        elif order is Command.LOAD:
            hl.load_state_dict(None)
        elif order is Command.WHERE:
            world.gather_objects(_where(built, attributes))
        else:
            where, drawn, held = world.broadcast()[world.rank - 1]
            built.stream.load_state_dict(where)
            attributes.load_state_dict(held)
            chance.load_state_dict(drawn)


def _where(built: Comparison, attributes: Attributes) -> Any:
    """Where this process is in the stream, in chance, and what its net holds; a text where that cannot be saved."""
    try:
        return built.stream.state_dict(), chance.state_dict(), attributes.state_dict()
    except CannotSave as cannot:
        return str(cannot)
