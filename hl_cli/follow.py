"""What a process other than rank 0 does: it is given configs, builds the same objects, and steps when it is told to.

It writes nothing and has no PyTorch arm. Signals are rank 0's to answer: it then ends the run for all.
"""

from __future__ import annotations

import contextlib
import signal
import sys
from typing import Any

import torch

from hl_cli.building import Comparison, comparison
from hl_cli.complaint import one_line
from hl_cli.errors import LostRank, NonFinite
from hl_cli.learners.stage_report import stage_reports
from hl_cli.parallel import rank
from hl_cli.parallel.meeting import meet
from hl_cli.parallel.order import Order
from hl_cli.parallel.world import World


def follow() -> int:
    """Serve until rank 0 has no more configs; return the exit code."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    world, me = World(), f"hl-run: rank {rank()}"
    try:
        world = meet()
        while (cfg := world.hand_out()) is not None:
            built, fault = None, None
            try:
                built = comparison(cfg, world)
            except LostRank:
                raise
            except Exception as error:
                fault = f"rank {world.rank}: {one_line(error)}"
            world.open_channel()
            world.collect(fault)
            if not world.agree(fault is not None) and built is not None:
                _serve(built, world)
    except LostRank as lost:
        print(f"{me}: ended by {lost}", file=sys.stderr)
        return 1
    except Exception as error:
        world.leave(f"the failure of rank {world.rank} ({one_line(error)})")
        print(f"{me}: {one_line(error)}", file=sys.stderr)
        return 1
    world.close()
    return 0


def _serve(built: Comparison, world: World) -> None:
    """Do what rank 0 orders until its run ends."""
    hl: Any = built.theory.learner
    while (told := world.follow())[0] is not Order.END:
        order, steps = told
        if order in (Order.STEPS, Order.OBSERVED_STEPS):
            observe = order is Order.OBSERVED_STEPS
            hl.expect(steps, observe)
            with contextlib.suppress(NonFinite):  # rank 0 meets it too, and says it
                for k in range(steps):
                    hl.step(next(built.stream), observe and k == steps - 1)
        elif order is Order.COLLECT:
            hl.collect()
        elif order is Order.REPORT:
            stage_reports(hl)
        elif order is Order.SAVE:
            hl.state_dict()
        elif order is Order.LOAD:
            hl.load_state_dict(None)
        elif order is Order.WHERE:
            world.collect((built.stream.state_dict(), torch.get_rng_state()))
        else:
            where, dice = world.hand_out()[world.rank - 1]
            built.stream.load_state_dict(where)
            torch.set_rng_state(dice)
