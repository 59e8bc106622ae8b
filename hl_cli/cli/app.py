"""The Hydra application: compose the config, run it, say errors in one line, exit with a code that tells.

0 done; 1 bad input, a failure, a process that was lost, or a part of a report that could not be written (all the rest
is there, and resume= tries again); 3 the verdict is not the expected one; 130, 143, 129 stopped by Ctrl-C, SIGTERM,
SIGHUP. Of several the largest, in a sweep that of its jobs, of which one that was skipped has 0. No torch is imported
until a config is composed.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import sys
import warnings
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.experimental.callback import Callback
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from hl_cli import config
from hl_cli.cli import arguments
from hl_cli.cli.deprecated import advice
from hl_cli.cli.leaving import leave
from hl_cli.cli.session import TRACEBACK, session
from hl_cli.cli.tasks import config_of, start_of
from hl_cli.config import plugins
from hl_cli.config.messages import warn
from hl_cli.config.renamed import renewed_all
from hl_cli.config.unresolved import Hidden, as_written
from hl_cli.errors import BadInput, LostRank, NoSuchCombination
from hl_cli.parallel import called, launched, rank
from hl_cli.runs import resume
from hl_cli.runs.parentage import end_with
from hl_cli.runs.signals import Interruption, exit_at_once, exit_on_ctrl_c, insist, leave_start_up
from hl_cli.sweeps import composing, study_sweeper
from hl_cli.sweeps.job import SweepJob, held_out
from hl_cli.sweeps.plan import Plan, with_command


class FolderWatch(Callback):
    """Sees each run before Hydra makes its folder, and each job of a sweep, in whatever process it runs."""

    def __init__(self) -> None:
        self.plan: Plan | None = None
        self.parent = 0
        self.show_traceback = session.show_traceback

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Before the folder of a single run is made."""
        with contextlib.suppress(OmegaConfBaseException):  # a name in it that is missing: Hydra will say so
            session.begin_run(Path(config.hydra.run.dir).absolute())

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Before the folder of a sweep is made; one that holds another's files is refused."""
        self.plan = session.begin_sweep(config)
        if "joblib" in str(config.hydra.launcher._target_):  # others, as submitit, let jobs outlive who asked for them
            self.parent = os.getpid()

    def on_job_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Before the first job of a process, which may be a worker that knows nothing yet."""
        session.show_traceback, warnings.showwarning = self.show_traceback, warn
        session.begin_job(config.hydra)
        if self.parent not in (0, os.getpid()):
            end_with(self.parent, "whose sweep this is")
        if self.plan:
            self.plan.enter()
        self.plan = None


def job(cfg: DictConfig) -> float | None:
    """One run; its held-out loss of HL is the value that a sweeper may minimise, infinite where the run diverged."""
    own: Any = HydraConfig.get()
    session.hide = Hidden(cfg)
    if own.mode.name != "MULTIRUN":
        return _run(cfg, own, None)
    turn = SweepJob(cfg, own)
    with turn.taken():
        return turn.value if turn.final else _run(cfg, own, turn)


def _run(cfg: DictConfig, own: Any, turn: SweepJob | None) -> float | None:
    try:
        folder, stop = Path(own.runtime.output_dir), Interruption()
        resumed = turn.resumed if turn else session.resumed
        outcome = start_of(cfg)(cfg, folder, own, _command(own), stop, session.world, resumed)
    except LostRank as lost:  # no job can follow
        print(f"hl-run: {lost}", file=sys.stderr)
        session.jobs += 1
        if turn:
            turn.failed("failed", str(lost), 1)
        sys.exit(1)
    except Exception as error:
        skipped = turn is not None and isinstance(error, NoSuchCombination)
        where = f"job {turn.number} ({own.job.override_dirname}): " if turn else ""
        if turn:
            turn.failed("skipped" if skipped else "failed", session.said(error), 0 if skipped else 1)
        if session.world is not None and session.world.lost:  # the others wait within a step: no job can follow
            print(f"hl-run: {session.said(error)}", file=sys.stderr)
            sys.exit(1)
        if skipped:
            print(f"hl-run: {where}skipped: {session.said(error)}", file=sys.stderr)
        else:
            session.fail(error, where)
        return None
    if cfg.dry_run:
        return None
    session.jobs += 1
    session.exit_code = max(session.exit_code, outcome.exit_code)
    session.fail_in_part(outcome.errors, f"job {turn.number} ({own.job.override_dirname}): " if turn else "")
    value = turn.done(outcome.summary, outcome.exit_code) if turn else held_out(outcome.summary)
    if outcome.exit_code >= 128:
        sys.exit(outcome.exit_code)  # a signal ends a whole sweep
    if turn and stop.received:  # it came while this job wrote its report
        sys.exit(128 + stop.received)
    return value


def _command(own: Any) -> str:
    return shlex.join([*called(), *as_written(own.overrides.task)])


def start() -> None:
    """Hand over to Hydra and leave the process with its exit code."""
    try:
        _start()
    except SystemExit as end:
        exit_on_ctrl_c()
        if session.world is not None and session.world.lost:  # its connections may wait for others at their end
            exit_at_once(end.code if isinstance(end.code, int) else 1)
        raise


def _start() -> None:
    try:
        several = launched() > 1
        if several:
            end_with(os.getppid(), "which started the ranks")
            os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # what torch warns of here, our own lines say
        if rank() > 0:
            from hl_cli.runs.worker import follow

            sys.exit(follow())
    except BadInput as error:
        session.fail(error)
        sys.exit(session.exit_code)
    os.environ[TRACEBACK] = "1"  # Hydra hands its errors on, and `format_error` says them
    warnings.showwarning = warn
    config.register()
    study_sweeper.register()
    composing.register()
    leave_start_up()
    insist()
    try:
        if several:
            from hl_cli.parallel.rendezvous import rendezvous

            session.world = rendezvous()
        given = arguments.ordered(sys.argv[1:])
        if old := advice(given):
            print(f"hl-run: {old}", file=sys.stderr)
        said = plugins.translate(renewed_all(with_command(given)))
        sys.argv[1:], session.resumed = resume.take_up(said)
        with resume.replaying(session.resumed):
            arguments.check(sys.argv[1:])
        if session.resumed and session.resumed.done:
            print(f"hl-run: {session.resumed.done}")
        else:
            with resume.replaying(session.resumed):
                name = config_of(sys.argv[1:])
                hydra.main(config_path="pkg://hl_cli.configs", config_name=name, version_base="1.3")(job)()
    except BrokenPipeError:  # the reader of our output went away, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        print("hl-run: broken off by Ctrl-C", file=sys.stderr)
        sys.exit(130)
    except Exception as error:
        session.fail(error)
    finally:
        leave(session)
    sys.exit(session.exit_code)
