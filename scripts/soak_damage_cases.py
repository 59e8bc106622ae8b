"""What is damaged: a run broken off, one that is finished, a sweep broken off; and the commands that meet it."""

from __future__ import annotations

import csv
import os
import re
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from soak_children import launch
from soak_fault import Fault, ended

from hl_cli.compare.burst import Burst
from hl_cli.errors import BadInput
from hl_cli.reporting.progress import Progress
from hl_cli.reporting.two_runs import compare
from hl_cli.runs import ending

OFTEN = ["log_every=7", "eval_every=10", "checkpoint_every=10"]
RUN = ["stream=digits_by_class", "stream.period=17", "predictions=true", "steps=60", *OFTEN]
SWEEP = ["-m", "seed=0,1,2", "stream=iris", "model=linear", "split=output", "steps=40", *OFTEN]


@dataclass(frozen=True)
class Case:
    """origin: the folder that is copied and damaged; command: that meets the copy; apart: what is other than in the
    right one, or ""; reads: whether the command could look at a file.
    """

    name: str
    origin: str
    command: list[str]
    apart: Callable[[Path, Path, str], str]
    reads: Callable[[Path], bool] = lambda name: True

    def __hash__(self) -> int:
        return hash(self.name)


def _same_run(right: str) -> Callable[[Path, Path, str], str]:
    def apart(where: Path, copy: Path, said: str) -> str:
        try:
            return "; ".join(f"{a.file}: {a.first}" for a in compare(where / right, copy) if a.differing)
        except BadInput as error:  # a checkpoint that nobody has read: there was nothing to do
            return "" if "finished after" in said and ".pt" in str(error) else str(error)

    return apart


def _read(path: Path) -> list[list[str]]:
    with path.open(newline="", errors="replace") as file:
        return list(csv.reader(file))


def _same_sweep(where: Path, copy: Path, said: str) -> str:
    """The tables but for the speeds, and the curves of the jobs that were not finished."""
    for name in ("sweep.csv", "study.csv"):
        if untimed(_read(where / "sweep" / name)) != untimed(_read(copy / name)):
            return f"{name} differs"
    header, *rows = _read(where / "sweep" / "sweep.csv")
    last = rows[-1][header.index("folder")]
    return _same_run(f"sweep/{last}")(where, copy / last, said)


def untimed(rows: list[list[str]]) -> list[list[str]]:
    """A table without the columns, and the rows, of speeds."""
    kept = [k for k, name in enumerate(rows[0]) if "per_second" not in name]
    return [[row[k] for k in kept] for row in rows if not any("per_second" in cell for cell in row[:3])]


def _same_study(where: Path, copy: Path, said: str) -> str:
    return "" if untimed(_read(where / "sweep/study.csv")) == untimed(_read(copy / "study.csv")) else "study.csv"


def _same_list(where: Path, copy: Path, said: str) -> str:
    """The line of a run but for its time and size; one without a summary is unfinished."""
    if not (copy / "summary.json").exists() and " unfinished " in said:
        return ""
    ended(launch(["ls", "whole"], where, prepare=plain))
    right = (where / "said.txt").read_text().replace("whole", "copy")
    one, other = (re.sub(r"\d+-\d+-\d+ \d+:\d+|[\d.]+ k?M?B| +", " ", text) for text in (right, said))
    return "" if one == other else f"{one} and {other}"


def _of_compare(where: Path, copy: Path, said: str) -> str:
    """`compare` said that the runs are equal: are the files that it reads?"""
    return _same_run("whole")(where, copy, said)


def _compared(name: Path) -> bool:
    return name.suffix in (".csv", ".json", ".pt") or name.name == "config.yaml"


CASES = [
    Case("resume", "left", ["resume=copy"], _same_run("whole")),
    Case("resume of a finished run", "whole", ["resume=copy"], _same_run("whole")),
    Case("more steps", "whole", ["resume=copy", "steps=80"], _same_run("longer")),
    Case("compare", "whole", ["compare", "whole", "copy"], _of_compare, _compared),
    Case("sweep.resume", "sweep left", ["sweep.resume=copy"], _same_sweep),
    Case("ls", "whole", ["ls", "copy"], _same_list, lambda name: name.suffix in (".json", ".yaml")),
    Case("study", "sweep", ["study", "copy"], _same_study, lambda name: len(name.parts) == 1),
]


def plain() -> None:
    """Leave out the pictures, which take longer than a short run."""
    for module, name in (
        (ending.plots, "draw_curves"), (ending.plots, "draw_weight_difference"), (ending.plots, "draw_tasks"),
        (ending, "draw_physics"), (ending, "draw_tensor_difference"),
    ):  # fmt: skip
        setattr(module, name, lambda *arguments: None)


def _die_at(step: int, run: int) -> Callable[[], None]:
    """Let a process kill itself at a step of the run of this number."""

    def prepare() -> None:
        plain()
        consume, begun = Progress.consume_burst, []

        def watched(self: Progress, burst: Burst) -> None:
            begun.extend([self] if self not in begun else [])
            if burst.first <= step <= burst.last and len(begun) == run:
                os.kill(os.getpid(), signal.SIGKILL)
            consume(self, burst)

        Progress.consume_burst = watched  # type: ignore[method-assign]

    return prepare


def make(where: Path) -> None:
    """What is copied, and what it is compared with."""
    for arguments, prepare, code in (
        ([*RUN, "hydra.run.dir=whole"], plain, 0),
        ([*RUN, "hydra.run.dir=left"], _die_at(45, 1), -9),
        ([*RUN, "hydra.run.dir=longer"], plain, 0),
        (["resume=longer", "steps=80"], plain, 0),
        ([*SWEEP, "hydra.sweep.dir=sweep"], plain, 0),
        ([*SWEEP, "hydra.sweep.dir='sweep left'"], _die_at(25, 3), -9),
    ):
        found = ended(launch(arguments, where, prepare=prepare))
        if found != code:
            raise Fault(f"{arguments}: exit {found}: {(where / 'said.txt').read_text()}")
