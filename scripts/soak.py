"""Kill runs at random moments, resume them, and hold them to a run that nobody touched, bit for bit.

A moment is drawn from the time that the unbroken run took, start and end included. It ends a run by SIGKILL, SIGTERM,
Ctrl-C, or a disk that is full: a tmpfs of a random size where mounting is allowed, else a limit on the size of a file.
Runs are children of this process, forked once all is imported, so that a moment costs no start-up.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import matplotlib
import sklearn.datasets  # noqa: F401
import tensorboard.summary.writer.record_writer  # noqa: F401
import torch
from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader

import hl_cli.run  # noqa: F401
from hl_cli.cli import main as hl_run
from hl_cli.reporting.two_runs import compare

OFTEN = ["log_every=20", "eval_every=90"]
CASES: dict[str, list[str]] = {
    "mlp": ["steps=1200", "checkpoint_every=150", "integrator=explicit_euler"],
    "lstm": ["steps=200", "checkpoint_every=30", "stream=digits_rows", "model=lstm", "split=state", "batch_size=4"],
    "adam": ["steps=800", "checkpoint_every=100", "pytorch.optimizer=adam", "pytorch.lr=0.001", "stream=wine"],
    "blocks": ["steps=500", "checkpoint_every=60", "scheme=blocks", "split=state", "model.hidden=[16,16]"],
    "wave": ["steps=500", "checkpoint_every=60", "scheme=wave", "split=state", "model.hidden=[16,16]", "hold=3"],
    "local": ["steps=500", "checkpoint_every=90", "scheme=local", "scheme.stash=true", "split=state", "hold=2"],
    "forward": ["steps=500", "checkpoint_every=90", "scheme=forward", "stream=lorenz", "stream.ticks=1", "model=gru",
                "scenario=gd_a", "pytorch.window=8", "free_run=40"],
    "drift": ["steps=600", "checkpoint_every=70", "stream=digits_by_class", "stream.period=170", "stream.blend=40"],
    "signals": ["steps=500", "checkpoint_every=60", "stream=drift", "stream.period=150", "split=state", "model=rnn"],
    "reverse": ["steps=300", "checkpoint_every=40", "stream=sine", "model=rotation", "split=state", "memory=reverse"],
    "text": ["steps=300", "checkpoint_every=40", "stream=text", "stream.path=text.txt", "stream.counts=every",
             "model=gru", "scenario=gd_a"],
    "series": ["steps=100000", "checkpoint_every=200", "stream=series", "stream.path=series.csv", "stream.target=y"],
    "yours": ["steps=500", "checkpoint_every=60", "stream=mine:Coin", "model=mine:net", "split=output"],
    "diverging": ["steps=500", "checkpoint_every=50", "scenario=custom", "scenario.lr=0.02", "tau=0.5",
                  "stream=mine:Burst", "+stream.options.at=300", "model=linear", "split=output"],
}  # fmt: skip
MINE = """
import torch
import hl_cli

class Coin(hl_cli.Stream):
    ticks, features, task = 1, 4, hl_cli.Task("classes", 2)

    def __init__(self, batch_size, seed, dtype, device):
        self.shape, self.place, self.seed, self.given = (batch_size, 1, 4), {"dtype": dtype, "device": device}, seed, 0

    def draw(self, number, shape):
        x = torch.randn(shape, generator=torch.Generator().manual_seed(self.seed * 10**6 + number)).to(**self.place)
        return hl_cli.Sample(x, (x.sum((1, 2)) > 0).long())

    def __next__(self):
        self.given += 1
        return self.draw(self.given, self.shape)

    def held_out(self):
        return self.draw(0, (100, 1, 4))

    def state_dict(self):
        return {"given": self.given}

    def load_state_dict(self, state):
        self.given = state["given"]

class Burst(Coin):
    def __init__(self, at, **given):
        super().__init__(**given)
        self.at = at

    def draw(self, number, shape):
        sample = super().draw(number, shape)
        return sample if number < self.at else sample._replace(inputs=sample.inputs * 1e38)

def net(features, ticks, outputs, every):
    nn = torch.nn
    layers = nn.Linear(features * ticks, 8), nn.Tanh(), nn.Dropout(0.3), nn.Linear(8, outputs)
    return nn.Sequential(nn.Flatten(), *layers)
"""
FULL = ("No space left on device", "File too large")


class Fault(AssertionError):
    """Something that must not happen."""


def launch(arguments: list[str], where: Path, limit: int | None = None) -> int:
    """Fork hl-run; limit: of the size of a file, bytes. What it says is in said.txt."""
    child = os.fork()
    if child:
        return child
    code: object = 70
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.chdir(where)
        with (where / "said.txt").open("w") as said:
            os.dup2(said.fileno(), 1)
            os.dup2(said.fileno(), 2)
        if limit is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        sys.argv = ["hl-run", *arguments]
        hl_run()
        code = 0
    except SystemExit as end:
        code = end.code
    except KeyboardInterrupt:
        code = 130
    except BaseException as error:
        print(f"Traceback: {error!r}", file=sys.stderr)
    with contextlib.suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(0 if code is None else code if isinstance(code, int) else 1)


def ended(child: int) -> int:
    """Wait for it; its exit code, or minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def broken_off(child: int, number: signal.Signals, after: float) -> int | None:
    """Send a signal after so many seconds; None for a run that had ended by itself."""
    deadline = time.monotonic() + after
    while time.monotonic() < deadline:
        if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            ended(child)
            return None
        time.sleep(0.002)
    os.kill(child, number)
    return ended(child)


class Disk:
    """A folder that can be full: a tmpfs, where this process may mount one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        options = ["mount", "-t", "tmpfs", "-o", "size=1g", "tmpfs", str(folder)]
        self.mounted = bool(shutil.which("mount")) and not subprocess.run(options, capture_output=True).returncode

    def room(self, size: int | None) -> None:
        """Leave room for so many bytes in all; None: enough."""
        if self.mounted:
            subprocess.run(["mount", "-o", f"remount,size={size or 2**30}", str(self.folder)], check=True)

    def close(self) -> None:
        if self.mounted:
            subprocess.run(["umount", str(self.folder)], check=True)


class Case:
    """One config: its unbroken run, and runs that are broken off."""

    def __init__(self, name: str, disk: Disk) -> None:
        self.name, self.arguments, self.disk = name, [*OFTEN, *CASES[name]], disk
        self.where = disk.folder / name
        self.where.mkdir()
        (self.where / "mine.py").write_text(MINE)
        (self.where / "text.txt").write_text("to learn over time is to forget a little of it\n" * 40)
        draw = random.Random(1)
        (self.where / "series.csv").write_text(
            "x,y\n" + "".join(f"{draw.random()},{draw.random()}\n" for _ in range(700))
        )
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
        kind = draw.choice(("SIGKILL", "SIGTERM", "SIGINT", "disk full"))
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
            allowed = {"SIGKILL": {-9}, "SIGTERM": {143, 0, -15}, "SIGINT": {130, 0}}[kind]
            if code not in allowed or "Traceback" in self.said():
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


def soak(kills: int, seed: int, names: list[str]) -> Counter[str]:
    """Break off until so many moments are through; returns how many of each kind."""
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
    return tally


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50, help="moments at which a run is broken off")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("cases", nargs="*", choices=[[], *CASES], help="configs; all where none is named")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    matplotlib.use("Agg")
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))  # so that the tmpfs goes
    try:
        soak(asked.kills, asked.seed, asked.cases or list(CASES))
    except Fault as fault:
        sys.exit(f"soak: {fault}")


if __name__ == "__main__":
    main()
