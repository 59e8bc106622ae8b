"""The Hydra application: compose the config, run it, say errors in one line, exit with a code that tells.

0 done; 1 bad input; 3 the verdict is not the expected one; 130, 143 stopped by Ctrl-C, SIGTERM. In a sweep the
largest code of its jobs. No torch is imported until a config is composed.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import sys
import warnings
from pathlib import Path
from types import FrameType
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.experimental.callback import Callback
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from hl_cli import plugins, resume, schema
from hl_cli.complaint import one_line
from hl_cli.errors import BadInput, LostRank
from hl_cli.interruption import Interruption
from hl_cli.parallel import launched, rank

TRACEBACK = "HYDRA_FULL_ERROR"


class Session:
    """What one process has to remember between Hydra's calls: exit codes, and folders that Hydra made."""

    def __init__(self) -> None:
        self.exit_code = 0
        self.show_traceback = os.environ.get(TRACEBACK, "0") not in ("", "0")
        self.jobs = 0
        self.folder = ""
        self.world: Any = None
        self.missing: list[Path] = []
        self.resumed: resume.Resumed | None = None

    def expect_folder(self, field: str, folder: Path) -> None:
        """Note which of the folder and its parents are not there yet: those are ours to remove again."""
        self.folder = f"{field}={folder}"
        self.missing = [path for path in (folder, *folder.parents) if not path.exists()]

    def remove_made_folders(self) -> None:
        """Remove what Hydra made for a run that never was; a folder with anything else in it stays."""
        with contextlib.suppress(OSError):
            for path in self.missing:
                if [inside.name for inside in path.iterdir()] == ["multirun.yaml"]:
                    (path / "multirun.yaml").unlink()
                path.rmdir()

    def fail(self, error: Exception, where: str = "") -> None:
        """Say it in one line and remember exit code 1."""
        if self.show_traceback:
            raise error
        if isinstance(error, OSError) and self.folder:
            where += f"{self.folder}: "
        print(f"hl-run: {where}{one_line(error)}", file=sys.stderr)
        self.exit_code = max(self.exit_code, 1)


session = Session()


class FolderWatch(Callback):
    """Sees each run before Hydra makes its folder."""

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Before the folder of a single run is made."""
        with contextlib.suppress(OmegaConfBaseException):  # a name in it that is missing: Hydra will say so
            session.expect_folder("hydra.run.dir", Path(config.hydra.run.dir).absolute())

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """Before the folder of a sweep is made; one that holds another's files is refused."""
        folder = Path(config.hydra.sweep.dir).absolute()
        session.expect_folder("hydra.sweep.dir", folder)
        if folder.is_dir() and any(folder.iterdir()):
            session.fail(BadInput(f"{session.folder}: holds files of another run; allowed: a new or an empty folder"))
            sys.exit(1)  # Hydra lets a callback's SystemExit through, and nothing else


@hydra.main(config_path="pkg://hl_cli.configs", config_name="run", version_base="1.3")
def job(cfg: DictConfig) -> float | None:
    """One run; its held-out loss of HL is the value that a sweeper may minimise."""
    own: Any = HydraConfig.get()
    folder = Path(own.runtime.output_dir)
    sweep = own.mode.name == "MULTIRUN"
    try:
        from hl_cli.run import run

        outcome = run(cfg, folder, own, _command(own), Interruption(), session.world, session.resumed)
    except LostRank as lost:  # no job can follow
        print(f"hl-run: {lost}", file=sys.stderr)
        session.jobs += 1
        sys.exit(1)
    except Exception as error:
        if sweep:
            with contextlib.suppress(OSError):
                folder.rmdir()
        if session.world is not None and session.world.lost:  # the others wait within a step: no job can follow
            print(f"hl-run: {one_line(error)}", file=sys.stderr)
            sys.exit(1)
        session.fail(error, f"job {own.job.num} ({own.job.override_dirname}): " if sweep else "")
        return None
    if cfg.dry_run:
        if sweep:
            folder.rmdir()
        return None
    session.jobs += 1
    session.exit_code = max(session.exit_code, outcome.exit_code)
    if outcome.exit_code >= 128:
        sys.exit(outcome.exit_code)  # a signal ends a whole sweep
    return outcome.summary["hl"]["held_out_loss"]


def _command(own: Any) -> str:
    return shlex.join(["hl-run", *map(str, own.overrides.task)])


def _leave(number: int, frame: FrameType | None) -> None:
    """SIGTERM before a run has begun: nothing is to be finished, and what was made is removed."""
    print("hl-run: broken off by SIGTERM", file=sys.stderr)
    sys.exit(128 + number)


def _one_line_warning(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
    print(f"hl-run: {' '.join(str(message).split())}", file=sys.stderr)


def start() -> None:
    """Hand over to Hydra and leave the process with its exit code."""
    if rank() > 0:
        from hl_cli.follow import follow

        sys.exit(follow())
    if launched() > 1:
        from hl_cli.parallel.world import World

        session.world = World()
    os.environ[TRACEBACK] = "1"  # Hydra hands its errors on, and `one_line` says them
    warnings.showwarning = _one_line_warning
    schema.register()
    signal.signal(signal.SIGTERM, _leave)
    try:
        sys.argv[1:], session.resumed = resume.take_up(plugins.translate(sys.argv[1:]))
        if session.resumed and session.resumed.done:
            print(f"hl-run: {session.resumed.done}")
        else:
            job()
    except BrokenPipeError:  # the reader of our output went away, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except KeyboardInterrupt:
        print("hl-run: broken off by Ctrl-C", file=sys.stderr)
        sys.exit(130)
    except Exception as error:
        session.fail(error)
    finally:
        if not session.jobs:
            session.remove_made_folders()
        if session.world is not None and not session.world.lost:
            with contextlib.suppress(LostRank):
                session.world.hand_out(None)
                session.world.close()
    sys.exit(session.exit_code)
