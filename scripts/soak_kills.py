"""Kill runs at random moments, resume them, and hold them to a run that nobody touched, bit for bit.

A moment is drawn from the time that the unbroken run took, start and end included. It ends a run by SIGKILL, SIGTERM,
SIGHUP, Ctrl-C, or a disk that is full: a tmpfs of a random size where mounting is allowed, else a limit on the size of
a file.
"""

from __future__ import annotations

import csv
import random
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from soak_cases import CASES, OFTEN, supply
from soak_children import Disk, broken_off, launch
from soak_fault import Fault, ended
from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader

from hl_cli.reporting.two_runs import compare

ALLOWED = {"SIGKILL": {-9}, "SIGTERM": {143, 0, -15}, "SIGHUP": {129, 0, -1}, "SIGINT": {130, 0}}  # exit codes
FULL = ("No space left on device", "File too large")


class Case:
    """One config: its unbroken run, and runs that are broken off."""

    def __init__(self, name: str, disk: Disk) -> None:
        self.name, self.arguments, self.disk = name, [*OFTEN, *CASES[name]], disk
        self.where = disk.folder / name
        self.where.mkdir()
        supply(self.where)
        begin = time.monotonic()
        code = ended(launch([*self.arguments, "hydra.run.dir=whole"], self.where))
        if code:
            raise Fault(f"the unbroken run exits {code}: {self.said()}")
        self.seconds = time.monotonic() - begin
        self.whole = self.where / "whole"
        self.bytes = sum(f.stat().st_size for f in self.whole.rglob("*") if f.is_file())

    def said(self) -> str:
        return (self.where / "said.txt").read_text()

    def broken(self, draw: random.Random, moments: int, tally: Counter[str]) -> None:
        """Break a run off at up to so many moments, then let it end; raises Fault unless it equals the unbroken one."""
        folder = self.where / "broken"
        for _ in range(moments):
            if not self._moment(draw, tally):
                break
        code = self._go_on(folder, lambda arguments: ended(launch(arguments, self.where)))
        if code or "Traceback" in self.said():
            raise Fault(f"the resumed run exits {code}: {self.said()}")
        apart = [f"{a.file}: {a.first}" for a in compare(self.whole, folder) if a.differing]
        if apart:
            raise Fault("; ".join(apart))
        for learner in ("hl", "pytorch", "difference"):
            if events(self.whole, learner) != events(folder, learner):
                raise Fault(f"TensorBoard's points of {learner} differ")
        if {f.name for f in folder.iterdir()} != {f.name for f in self.whole.iterdir()}:
            raise Fault(f"other files: {sorted(f.name for f in folder.iterdir())}")
        shutil.rmtree(folder)

    def _go_on(self, folder: Path, run: Callable[[list[str]], int | None]) -> int | None:
        begun = (folder / ".hydra" / "overrides.yaml").is_file()
        return run(["resume=broken"] if begun else [*self.arguments, "hydra.run.dir=broken"])

    def _moment(self, draw: random.Random, tally: Counter[str]) -> bool:
        """Break off once; False for a run that was faster."""
        folder = self.where / "broken"
        kind = draw.choice((*ALLOWED, "disk full"))
        if kind == "disk full":
            code = self._go_on(folder, lambda arguments: self._with_little_room(arguments, draw))
            if code == 0:
                return False
            if code != 1 or not any(text in self.said() for text in FULL):
                raise Fault(f"disk full: exits {code}: {self.said()}")
        else:
            number, after = signal.Signals[kind], draw.uniform(0, self.seconds)
            code = self._go_on(folder, lambda arguments: broken_off(launch(arguments, self.where), number, after))
            if code is None:
                return False
            if code not in ALLOWED[kind] or "Traceback" in self.said():
                raise Fault(f"{kind}: exits {code}: {self.said()}")
        if kind != "SIGKILL" and folder.is_dir():
            for table in folder.glob("*.csv"):
                check_rows(table)
        tally[kind] += 1
        steps = [f.name for f in (folder / "checkpoints").glob("*.pt")]
        print(f"    {kind:<10} exit {code:>4}  checkpoints {' '.join(sorted(steps)) or '-'}", flush=True)
        return True

    def _with_little_room(self, arguments: list[str], draw: random.Random) -> int:
        if not self.disk.mounted:
            limit = draw.randint(1000, max(f.stat().st_size for f in self.whole.rglob("*.csv")))
            return ended(launch(arguments, self.where, limit))
        used = shutil.disk_usage(self.disk.folder).used
        there = sum(f.stat().st_size for f in (self.where / "broken").rglob("*") if f.is_file())
        self.disk.room(used + draw.randint(0, max(4096, self.bytes - there)))
        try:
            return ended(launch(arguments, self.where))
        finally:
            self.disk.room(None)


def check_rows(table: Path) -> None:
    """Raise Fault for a row that is not whole."""
    with table.open(newline="") as file:
        if len({len(row) for row in csv.reader(file)}) > 1:
            raise Fault(f"{table}: a row is not whole")


def events(folder: Path, learner: str) -> list[tuple[int, str, str]]:
    """All points of a learner in TensorBoard's files, in their order, as text: NaN is no other than NaN."""
    files = sorted((folder / "tensorboard" / learner).iterdir())
    found = (event for file in files for event in LegacyEventFileLoader(str(file)).Load())
    return [(event.step, v.tag, repr(v.simple_value)) for event in found for v in event.summary.value]


def soak(kills: int, seed: int, chosen_cases: list[str]) -> None:
    """Break off until so many moments are through."""
    names = chosen_cases or list(CASES)
    draw, tally = random.Random(seed), Counter[str]()
    with tempfile.TemporaryDirectory() as name:
        disk = Disk(Path(name) / "disk")
        try:
            print(f"a full disk is {'a tmpfs' if disk.mounted else 'a limit on the size of a file'}", flush=True)
            cases: dict[str, Case] = {}
            runs = 0
            while sum(tally.values()) < kills:
                chosen = names[runs % len(names)]
                if chosen not in cases:
                    cases[chosen] = Case(chosen, disk)
                    print(f"{chosen}: an unbroken run takes {cases[chosen].seconds:.1f} s", flush=True)
                print(f"  {chosen}", flush=True)
                cases[chosen].broken(draw, min(draw.choice((2, 3, 4)), kills - sum(tally.values())), tally)
                runs += 1
            print(f"{sum(tally.values())} moments ({dict(tally)}) in {runs} runs of {len(cases)} configs: all equal")
        finally:
            disk.close()
