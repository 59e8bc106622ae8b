"""What came from an environment variable stays its name in all that is written; names in folders are harmless."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

from hl_cli.config.unresolved import Hidden
from hl_cli.sweeps.identity import folder_name

SECRET = "hunter22xyz"
QUICK = ("stream=iris", "model=linear", "split=output", "steps=8", "eval_every=0", "threads=1")


def leaks(folder: Path) -> list[str]:
    """Files that have the secret in them, or in their names."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [str(path) for path in files if SECRET in str(path) or SECRET.encode() in path.read_bytes()]


def test_a_variable_stays_its_name(invoke: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HL_SECRET", SECRET)
    monkeypatch.setenv("HL_STEPS", "8")
    name = "scenario.name=${oc.env:HL_SECRET}"
    code, out, err = invoke(
        *QUICK[:3], name, "eval_every=0", "checkpoint_every=4", "log_every=2", "steps='${oc.decode:${oc.env:HL_STEPS}}'"
    )
    (folder,) = (tmp_path / "outputs").glob("*/*")
    assert (code, err, leaks(tmp_path)) == (0, "", []) and SECRET not in out
    found = json.loads((folder / "summary.json").read_text())
    assert found["scenario"] == "${oc.env:HL_SECRET}" and found["steps"] == 8  # a number is shown
    assert "${oc.env:HL_SECRET}" in (folder / "report.md").read_text().replace("\\", "")
    monkeypatch.setenv("HL_SECRET", "hunter23")
    code, _, err = invoke(f"resume={folder}", "steps=12")
    assert code == 1 and "${oc.env:HL_SECRET}" in err and "the variable is another" in err
    monkeypatch.setenv("HL_SECRET", SECRET)
    assert invoke(f"resume={folder}", "steps=12")[::2] == (0, "")
    assert leaks(tmp_path) == []


def test_a_sweep_and_its_errors_tell_no_variable(invoke: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HL_SECRET", SECRET)
    names = "scenario.name=${oc.env:HL_SECRET},../../x,a b"
    code, out, err = invoke("-m", *QUICK, names, "hydra.sweep.dir=here/grid")
    assert code == 1 and leaks(tmp_path) == [] and SECRET not in out + err
    assert err.count("\n") == 2 and "scenario.name=../../x: allowed: letters, digits and ._-, at most 64" in err
    jobs = json.loads((tmp_path / "here/grid/sweep.json").read_text())["jobs"]
    assert [job["status"] for job in jobs] == ["done", "failed", "failed"]
    assert {path.name for path in tmp_path.iterdir()} == {"here"}
    assert {path.name for path in (tmp_path / "here").iterdir()} == {"grid"}


@pytest.mark.parametrize(
    "name", ["stream.name=../../x", "scenario.name=/x", "model.name=a/b", "stream.name=" + "a" * 10**5]
)
def test_names_that_would_leave_the_folder_are_refused(invoke: Any, tmp_path: Path, name: str) -> None:
    code, _, err = invoke(*QUICK, name)
    assert code == 1 and err.count("\n") == 1 and len(err) < 200
    assert "allowed: letters, digits and ._-, at most 64 in all" in err
    assert list(tmp_path.iterdir()) == []


def test_what_is_hidden_and_what_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HL_SECRET", SECRET)
    cfg = OmegaConf.create(
        {
            "stream": {"name": "${oc.env:HL_SECRET}", "path": "/data/${oc.env:HL_SECRET}/x"},
            "model": {"name": "${stream.name}"},
            "scenario": {"name": "${oc.env:HL_NOWHERE,plain}", "gone": "${nothing}"},
            "split": {"name": "state"},
            "parts": ["${oc.env:HL_SECRET}", 3],
        }
    )
    hide = Hidden(cfg)
    assert set(hide.fields) == {"stream.name", "stream.path", "model.name", "parts.0"}
    assert hide({"a": [f"/data/{SECRET}/x/y", SECRET, 3], "b": f"{SECRET}s"}) == {
        "a": ["/data/${oc.env:HL_SECRET}/x/y", "${oc.env:HL_SECRET}", 3],
        "b": f"{SECRET}s",
    }
    assert folder_name(cfg) == "oc.env_HL_SECRET_oc.env_HL_SECRET_state_plain"
    assert cfg.stream.name == SECRET  # the config itself is as it was
    kept = hide.digests()
    assert hide.changed(kept) is None and SECRET not in json.dumps(kept)
    monkeypatch.setenv("HL_SECRET", "hunter23")
    assert Hidden(cfg).changed(kept) == "stream.name=${oc.env:HL_SECRET}"
