"""engine=replay and engine=compiled in whole runs: a number that is not finite, and a signal, within their bursts."""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from tests.process import summary_of
from tests.warm import ENVIRONMENT, PATIENCE, Warm

pytestmark = pytest.mark.skipif(not (shutil.which("g++") or shutil.which("clang++")), reason="no C++ compiler")
ROOT = Path(__file__).resolve().parents[2]
ALONE = ("arm=[hl]", "report=light", "eval_every=0", "log_every=1000", "model=linear", "split=output")
AT = 150  # the first of the samples that let the loss overflow
MINE = f"""
import torch
import hl_cli

class Burst(hl_cli.Stream):
    ticks, features, task = 1, 4, hl_cli.Task("classes", 2)

    def __init__(self, batch_size, seed, dtype, device):
        self.shape, self.place = (batch_size, 1, 4), {{"dtype": dtype, "device": device}}
        self.seed, self.given = seed, 0

    def draw(self, number, shape):
        x = torch.randn(shape, generator=torch.Generator().manual_seed(self.seed * 10**6 + number)).to(**self.place)
        return hl_cli.Sample(x * (1.0 if number < {AT} else 1e38), (x.sum((1, 2)) > 0).long())

    def __next__(self):
        self.given += 1
        return self.draw(self.given, self.shape)

    def held_out(self):
        return self.draw(0, (10, 1, 4))

    def state_dict(self):
        return {{"given": self.given}}

    def load_state_dict(self, state):
        self.given = state["given"]
"""


def begun(where: Path, *arguments: str) -> Warm:
    (where / "mine.py").write_text(MINE)
    paths = os.pathsep.join([str(where), str(ROOT)])
    return Warm(where, *arguments, environment={**ENVIRONMENT, "PYTHONPATH": paths})


def diverged(where: Path, engine: str) -> Path:
    where.mkdir()
    burst = ("stream=mine:Burst", "steps=400", "scenario=custom", "scenario.lr=0.02", "tau=0.5", f"engine={engine}")
    said = begun(where, *ALONE, *burst, "hydra.run.dir=run").ended()
    assert said.returncode == 0, said.stderr
    return where / "run"


@pytest.mark.parametrize("engine", ["replay", "compiled"])
def test_it_diverges_at_the_step_of_the_eager_run(engine: str, tmp_path: Path) -> None:
    fast, eager = diverged(tmp_path / engine, engine), diverged(tmp_path / "eager", "eager")
    assert summary_of(fast)["diverged"] == summary_of(eager)["diverged"]
    ((learner, step),) = [(one["learner"], one["step"]) for one in summary_of(fast)["diverged"]]
    assert learner == "hl" and step >= AT
    one, other = ((folder / "curves.csv").read_text() for folder in (fast, eager))
    assert len(one.splitlines()) == step + 1
    assert engine == "compiled" or one == other


@pytest.mark.parametrize("engine", ["replay", "compiled"])
def test_a_signal_ends_it_with_its_files_finished(engine: str, tmp_path: Path) -> None:
    process = begun(tmp_path, *ALONE, "steps=100000000", f"engine={engine}", "hydra.run.dir=run")
    folder, deadline = tmp_path / "run", time.monotonic() + PATIENCE
    while not any(path.stat().st_size > 1000 for path in tmp_path.glob("run/curves.csv")):
        assert process.poll() is None and time.monotonic() < deadline, process.ended(0)
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    said, found = process.ended(), summary_of(folder)
    assert (said.returncode, said.stderr, found["interrupted"]) == (130, "", "SIGINT")
    steps = found["steps"]
    table = (folder / "curves.csv").read_text().splitlines()[1:]
    assert [int(row.partition(",")[0]) for row in table] == list(range(1, steps + 1))
