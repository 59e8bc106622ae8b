"""hl-run board: the runs of a sweep under the names of what was swept, as links that stay in their folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from hl_cli.sweeps.board import link, main, named
from hl_cli.sweeps.manifest import JobRecord, Manifest, ManifestFile


def test_runs_are_named_by_what_was_swept(tmp_path: Path) -> None:
    sweep, where = tmp_path / "sweep", tmp_path / "board"
    where.mkdir()
    jobs = []
    for k, (lr, folder) in enumerate((("0.05", "a"), ("0.1", "b"), ("0.1", "c"), ("0.3", ""))):
        jobs.append(JobRecord(k, {"scenario.lr": lr, "seed": "1"}, "done", folder=folder))
        if folder in ("a", "b", "c"):
            (sweep / folder / "tensorboard" / "hl").mkdir(parents=True)
    with ManifestFile(sweep).change(Manifest({}, ["scenario.lr", "seed"], [], jobs)):
        pass
    assert link(sweep, where) == ["lr=0.05,seed=1", "lr=0.1,seed=1", "lr=0.1,seed=1,job=2"]
    assert {str(path.relative_to(where)) for path in where.glob("*/hl")} == {
        "lr=0.05,seed=1/hl", "lr=0.1,seed=1/hl", "lr=0.1,seed=1,job=2/hl",
    }  # fmt: skip


def test_names_are_unique_and_harmless() -> None:
    row = {"arms.adam.lr": "0.1", "arms.hl.lr": "0.2", "stream.path": "../a b.csv"}
    assert named(row, list(row)) == "arms.adam.lr=0.1,arms.hl.lr=0.2,path=.._a_b.csv"
    assert named({}, []) == "run"


@pytest.mark.parametrize(("arguments", "said"), [([], "the folder of a sweep"), (["."], "is no sweep")])
def test_a_folder_that_is_no_sweep_is_named(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 1
    err = capsys.readouterr().err
    assert err.startswith("hl-run: board") and err.count("\n") == 1 and said in err
