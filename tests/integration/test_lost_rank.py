"""A process that is lost after the last step: what was done is judged and written all the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from hydra import compose, initialize_config_module

from hl_cli.errors import LostRank
from hl_cli.runs import finish
from hl_cli.runs.run import run
from tests.process import FILES, summary_of


def test_a_rank_that_dies_before_its_report_costs_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(hl: object) -> list[object]:
        raise LostRank("the death of rank 1")

    monkeypatch.setattr(finish, "stage_reports", gone)
    with initialize_config_module("hl_cli.configs", version_base="1.3"):
        cfg = compose("run", overrides=["scheme=wave", "split=state", "steps=20"])
    with pytest.raises(LostRank, match="ended by the death of rank 1 after step 20"):
        run(cfg, tmp_path)
    found = summary_of(tmp_path)
    assert (found["verdict"], found["interrupted"], found["pipeline"]) == ("identical", "the death of rank 1", [])
    assert FILES - {".hydra"} <= {p.name for p in tmp_path.iterdir()}
