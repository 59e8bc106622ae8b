"""report=full, light, none: what a run leaves out, and that hl-run report makes what the whole run would have made."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from hl_cli.errors import BadInput
from hl_cli.runs.remake import summary_of

TINY = ("steps=30", "log_every=10", "eval_every=0", "stream=digits", "integrator=explicit_euler")


def files(folder: Path) -> set[str]:
    """All but event files, which have a time in their names."""
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    return {name for name in found if "tfevents" not in name and "hparams" not in name}


def words(folder: Path) -> list[str]:
    """report.md without what belongs to one run alone: its command and its speed."""
    lines = (folder / "report.md").read_text().splitlines()
    return [re.sub(r"\d[\d,]* *\|?$", "", line) for line in lines if not line.startswith("    hl-run ")]


def test_a_sweep_leaves_the_pages_of_its_jobs_to_a_command(invoke: Any, tmp_path: Path) -> None:
    """Which then are those of a run with report=full; a job without a checkpoint of its end has them at once."""
    code, out, _ = invoke("-m", "seed=0,1", *TINY, "hydra.sweep.dir=grid")
    jobs = {json.loads((path / "summary.json").read_text())["seed"]: path for path in (tmp_path / "grid").glob("*_*")}
    assert code == 0 and "hl-run report" in out.splitlines()[-1] and out.count("verdict   ") == 2
    for job in jobs.values():
        assert not {path.suffix for path in job.iterdir()} & {".png", ".html", ".md"}
        assert (job / "curves.csv").is_file() and [*job.glob("tensorboard/hparams/*")]
    assert invoke("report", "grid")[0] == 0
    assert "report.html" in (tmp_path / "grid/sweep.html").read_text()
    invoke("seed=0", *TINY, "hydra.run.dir=whole", "report=full")
    whole, job = tmp_path / "whole", jobs[0]
    assert files(job) == files(whole) and {"report.html", "report.md", "physics.png"} < files(job)
    assert [*job.glob("tensorboard/hparams/*")] and [*job.glob("tensorboard/report/*")]
    for name in files(whole):
        if name.endswith((".csv", ".png")):
            assert (job / name).read_bytes() == (whole / name).read_bytes(), name
    assert words(job) == words(whole)
    assert json.loads((job / "summary.json").read_text())["report"] == "full"
    shutil.rmtree(whole / "checkpoints")
    code, _, err = invoke("report", "whole", "nowhere")
    assert code == 1 and "report whole: it has no checkpoint of its end" in err and "report nowhere: no such" in err
    invoke("-m", "seed=0", *TINY, "checkpoint_every=0", "steps=5", "hydra.sweep.dir=kept")
    assert [*tmp_path.glob("kept/*_*/report.html")]


def test_none_writes_for_tensorboard_only_when_it_goes_on(invoke: Any, tmp_path: Path) -> None:
    code, out, _ = invoke(*TINY, "report=none", "hydra.run.dir=run")
    assert code == 0 and not (tmp_path / "run/tensorboard").exists() and "tensorboard" not in out
    assert invoke("resume=run", "steps=40", "report=light")[0] == 0
    assert [*tmp_path.glob("run/tensorboard/hl/*")] and not [*tmp_path.glob("run/*.png")]


@pytest.mark.parametrize(
    ("summary", "why"),
    [
        (None, "has not finished; hl-run resume="),
        ('{"interrupted": "SIGINT"}', "stopped by SIGINT; hl-run resume="),
        ('{"task": "minimise"}', "task=minimise has written its report"),
        ("[1]", "damaged"),
    ],
)
def test_a_run_that_has_not_ended_has_no_report(tmp_path: Path, summary: str | None, why: str) -> None:
    (tmp_path / ".hydra").mkdir()
    (tmp_path / ".hydra/overrides.yaml").write_text("[]")
    if summary is not None:
        (tmp_path / "summary.json").write_text(summary)
    with pytest.raises(BadInput, match=re.escape(why)):
        summary_of(tmp_path)
