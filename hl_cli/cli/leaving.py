"""How a process leaves: what was made for nothing is removed, the other ranks are told, a sweep has its page."""

from __future__ import annotations

import contextlib
import signal
import sys

from hl_cli.cli.session import Session
from hl_cli.config.messages import format_error
from hl_cli.errors import LostRank
from hl_cli.reporting.parts import Parts
from hl_cli.sweeps.coordinator import SweepCoordinator


def leave(session: Session) -> None:
    """Whatever ended the process; a Ctrl-C breaks off what takes time, and only that."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if session.sweep:
        session.exit_code = max(session.exit_code, session.sweep.exit_code)
    if not session.jobs and not (session.sweep and session.sweep.has_folders):
        session.remove_made_folders()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if session.world is not None and not session.world.lost:
        with contextlib.suppress(LostRank):
            session.world.broadcast(None)
        session.world.close()
    if session.sweep:
        _finish(session, session.sweep)


def _finish(session: Session, sweep: SweepCoordinator) -> None:
    """However a sweep ended, it has its page."""
    try:
        parts = Parts(format_error)
        sweep.finish(parts)
        session.fail_in_part(parts.errors, "")
    except KeyboardInterrupt:
        print("hl-run: broken off by Ctrl-C", file=sys.stderr)
        session.exit_code = 130
    except Exception as error:
        session.fail(error)
