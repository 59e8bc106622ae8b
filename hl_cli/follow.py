"""What a process other than rank 0 does: it is given configs, builds the same objects, and steps when it is told to.

It writes nothing and has no PyTorch arm. Signals are rank 0's to answer: it then ends the run for all.
"""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterator
from itertools import chain
from typing import Any

from hl_cli.building import Comparison, comparison
from hl_cli.complaint import one_line
from hl_cli.errors import LostRank, NonFinite
from hl_cli.learners.stage_report import stage_reports
from hl_cli.parallel import rank
from hl_cli.parallel.meeting import meet
from hl_cli.parallel.order import Order
from hl_cli.parallel.world import World
from hl_cli.types import Sample


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
    hl: Any = built.hl
    samples: Iterator[Sample] = built.stream
    while (told := world.follow())[0] is not Order.END:
        order, steps = told
        if order in (Order.STEPS, Order.OBSERVED_STEPS):
            observe = order is Order.OBSERVED_STEPS
            hl.expect(steps, observe)
            with contextlib.suppress(NonFinite):  # rank 0 meets it too, and says it
                for k in range(steps):
                    hl.step(next(samples), observe and k == steps - 1)
        elif order is Order.COLLECT:
            hl.collect()
        elif order is Order.REPORT:
            stage_reports(hl)
        elif order is Order.STREAM:
            at, upcoming = world.hand_out()
            built.stream.load_state_dict(at)
            samples = chain([upcoming], built.stream)
        elif order is Order.SAVE:
            hl.state_dict()
        else:
            hl.load_state_dict(None)
