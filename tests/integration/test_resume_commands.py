"""`resume=`, `compare` and `dry_run=true` as a user types them, and runs that are killed for real."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from hl_cli.reporting.two_runs import main
from hl_cli.runs.run import run
from tests.broken_off import OFTEN, Configured, made
from tests.covering import long
from tests.process import state_of
from tests.warm import ENVIRONMENT, hl_run

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.usefixtures("no_pictures")


def test_compare_tells_where_two_runs_part(
    configured: Configured, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, same, other = (made(tmp_path / name) for name in ("one", "same", "other"))
    run(configured(*OFTEN), one)
    run(configured(*OFTEN), same)
    cfg = configured(*OFTEN, "scenario.momentum=0.3")
    run(cfg, other)
    capsys.readouterr()
    assert main([str(one), str(same)]) == 0
    assert "equal: every number of both runs, to the bit" in capsys.readouterr().out
    assert main([str(one), str(other)]) == 3
    said = capsys.readouterr().out
    # the loss of step 1 is of before the first update, that of step 2 after one without momentum
    assert re.search(r"first difference in curves.csv: hl_loss, step 3: [\d.]+ and [\d.]+", said)
    assert "first difference in final weights: " in said
    assert main([str(one), str(tmp_path)]) == 1
    assert main([str(one)]) == 1
    assert capsys.readouterr().err.count("\n") == 2


@long
def test_killed_for_real(tmp_path: Path) -> None:
    """A few moments of scripts/soak."""
    command = [sys.executable, str(ROOT / "scripts" / "soak.py"), "--kills", "4", "--seed", "5", "forward"]
    said = subprocess.run(command, cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, timeout=280)
    assert said.returncode == 0, said.stdout + said.stderr
    assert re.search(r"^4 moments .*: all equal$", said.stdout, re.MULTILINE)


def test_resume_and_a_dry_run_as_commands(tmp_path: Path) -> None:
    said = hl_run(tmp_path, *OFTEN, "dry_run=true", "hydra.run.dir=run")
    assert (said.returncode, said.stderr, [*tmp_path.iterdir()]) == (0, "", [])
    assert "curves.csv             60 rows" in said.stdout
    assert re.search(r"time +about [\d.]+ m?s: 60 steps of", said.stdout)
    said = hl_run(tmp_path, *OFTEN, "hydra.run.dir=run")
    assert said.returncode == 0
    before = state_of(tmp_path / "run")
    said = hl_run(tmp_path, "resume=run")
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout == f"hl-run: {tmp_path}/run: finished after 60 steps; steps=MORE goes on\n"
    assert state_of(tmp_path / "run") == before
    said = hl_run(tmp_path, "resume=run", "steps=70")
    assert (said.returncode, said.stderr) == (0, "")
    assert "resumed   after step " in said.stdout
    assert OmegaConf.load(tmp_path / "run" / ".hydra" / "overrides.yaml")[0] == "steps=70"
