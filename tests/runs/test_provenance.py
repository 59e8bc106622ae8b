"""What a run was made with: a change of any part is seen, and told in words."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from omegaconf import DictConfig

import hl_cli
from hl_cli.build import Comparison
from hl_cli.runs import provenance
from hl_cli.runs.provenance import changes, digest, made_with
from tests.broken_off import OFTEN, Configured, leave, made
from tests.material import IMAGES, OPTIONS, needs

NET = """
import torch
from theirs import activation

def net(features, ticks, outputs, every):
    nn = torch.nn
    return nn.Sequential(nn.Flatten(), nn.Linear(features * ticks, 4), activation(), nn.Linear(4, outputs))
"""


def series(folder: Path) -> Path:
    path = folder / "series.csv"
    path.write_text("x,y\n" + "".join(f"0.{k},0.{k + 1}\n" for k in range(400)))
    return path


def test_each_part_that_changed_is_named(
    configured: Configured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another version, another module beside the net's, one digit in a later row of a file of the same size."""
    from hl_cli.runs.resume import Resumed
    from hl_cli.runs.run import run

    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ours.py").write_text(NET)
    theirs = tmp_path / "theirs.py"
    theirs.write_text("from torch.nn import Tanh as activation\n")
    path = series(tmp_path)
    cfg = configured(
        *OFTEN, "stream=series", f"stream.path={path}", "stream.target=y", "model=module", "model.factory=ours:net"
    )
    folder = made(tmp_path / "run")
    leave(cfg, folder, 35, monkeypatch)
    capsys.readouterr()
    theirs.write_text("from torch.nn import ReLU as activation\n")
    text = path.read_text()
    path.write_text(f"{text[:-3]}7{text[-2:]}")
    monkeypatch.setattr(hl_cli, "__version__", "9.9")
    monkeypatch.setattr(provenance, "PACKAGES", ())
    what = "hl-run 9.9 instead of 0.1.0, another module theirs, another file series.csv"
    run(cfg, folder, resumed=Resumed(folder))
    assert f"  warning   with {what}: the bits may be others" in capsys.readouterr().out
    for page in ("report.md", "report.html"):
        assert f"after step 21, with {what}" in (folder / page).read_text().replace("\\", "")
        assert f"the run was resumed after step 21 with {what}" in (folder / page).read_text().replace("\\", "")


def test_nothing_changed_is_told_too(configured: Configured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hl_cli.runs.resume import Resumed
    from hl_cli.runs.run import run

    cfg, folder = configured(*OFTEN), made(tmp_path / "run")
    leave(cfg, folder, 35, monkeypatch)
    summary = run(cfg, folder, resumed=Resumed(folder)).summary
    assert summary["resumed"] == [{"step": 21, "with": []}]
    assert "after step 21, with the same versions, modules and data files" in (folder / "report.md").read_text()


@pytest.mark.parametrize("option", [*sorted(IMAGES & set(OPTIONS)), "series", "text"])
def test_streams_tell_what_they_read(option: str, build: Callable[..., Comparison]) -> None:
    stream = build(f"stream={option}", *needs(option), "hold=2").stream
    assert stream.files and all(path.is_file() for path in stream.files)


def test_large_files_are_told_by_size_time_and_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "WHOLE", 100)
    monkeypatch.setattr(provenance, "SAMPLES", 5)
    monkeypatch.setattr(provenance, "SAMPLE", 10)
    path = tmp_path / "large"
    content = bytearray(range(200)) * 5
    path.write_bytes(content)
    os.utime(path, ns=(1, 1))
    first, untimed = digest(path), digest(path, timed=False)
    for place in (0, 999):
        content[place] ^= 1
        path.write_bytes(content)
        os.utime(path, ns=(1, 1))
        assert digest(path) != first
        content[place] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(2, 2))
    assert digest(path) != first and digest(path, timed=False) == untimed
    path.write_bytes(content + b"x")
    assert digest(path, timed=False) != untimed


def test_ranks_hold_version_config_and_files_to_one_another(
    configured: Configured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What rank 0 hands out and another rank finds."""

    def found(cfg: DictConfig) -> provenance.MadeWith:
        from hl_cli.build import comparison

        return made_with(cfg, comparison(cfg).stream.files, among_ranks=True)

    series(made(tmp_path / "0"))
    path = series(made(tmp_path / "1"))
    options = ("stream=series", "stream.target=y")
    cfg = configured(*options, f"stream.path={tmp_path}/0/series.csv")
    cfg.scenario.lr = "${oc.env:HL_LR,0.1}"
    of_rank_0 = found(cfg)
    cfg.stream.path = str(path)
    assert changes(of_rank_0, found(cfg)) == []  # a copy elsewhere
    path.write_text(path.read_text().replace("0.399", "0.398"))
    assert changes(of_rank_0, found(cfg)) == ["another file series.csv"]
    monkeypatch.setenv("HL_LR", "0.2")
    assert changes(of_rank_0, found(cfg)) == ["another config", "another file series.csv"]
    monkeypatch.setattr(hl_cli, "__version__", "9.9")
    assert changes(of_rank_0, found(cfg))[0] == "hl-run 9.9 instead of 0.1.0"
