"""hl-run ls: every run and sweep of a folder in a line, whatever state it is in, without torch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hl_cli.reporting.listing import Listed, find, main, said, size

SUMMARY = {
    "verdict": "identical",
    "interrupted": None,
    "steps": 5000,
    "main": "accuracy",
    "arms": ["hl", "pytorch"],
    "hl": {"held_out_accuracy": 0.9583},
    "pytorch": {"held_out_accuracy": None},
    "model": "mlp",
    "stream": {"name": "digits"},
    "split": "output",
    "scenario": "mom_b",
}
SWEEP = {
    "swept": ["seed"],
    "jobs": [
        {"status": "done", "scores": {"verdict": "identical"}},
        {"status": "done", "scores": {"verdict": "round_off"}},
        {"status": "done", "scores": {"verdict": "identical"}},
        {"status": "missing", "scores": {}},
    ],
}


def made(folder: Path, when: int, **files: Any) -> Path:
    """A folder with these files in it, the contents of .json files as JSON."""
    for name, content in files.items():
        path = folder / name.replace("_json", ".json").replace("_csv", ".csv").replace("hydra_", ".hydra/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        os.utime(path, (when, when))
    return folder


@pytest.fixture
def outputs(tmp_path: Path) -> Path:
    made(tmp_path / "2026" / "a", 1, summary_json=SUMMARY, curves_csv="step\n" * 300)
    made(
        tmp_path / "2026" / "b",
        2,
        summary_json={**SUMMARY, "interrupted": "SIGTERM", "arms": None},
        curves_csv="step\n",
    )
    made(tmp_path / "c", 3, curves_csv="step\n", **{"hydra_overrides.yaml": "- steps=7\n- stream=sine\n"})
    made(tmp_path / "d", 4, sweep_json=SWEEP)
    made(tmp_path / "d" / "0", 4, summary_json=SUMMARY)
    made(tmp_path / "no run", 9, curves_txt="step\n")
    return tmp_path


def table(folder: Path) -> dict[str, Listed]:
    return {str(one.folder.relative_to(folder)): one for one in find(folder)}


def test_runs_and_sweeps_in_the_order_of_their_end(outputs: Path) -> None:
    found = table(outputs)
    assert list(found) == ["2026/a", "2026/b", "c", "d"]
    run = found["2026/a"]
    assert (run.verdict, run.steps, run.scores) == ("identical", "5000", "accuracy hl 0.958")
    assert run.what == "mlp on digits, output split, mom_b" and run.size > 1500
    assert found["2026/b"].verdict == "identical, stopped"
    assert (found["c"].verdict, found["c"].what) == ("unfinished", "steps=7 stream=sine")
    assert found["d"].what == "sweep of 4 jobs (3 done, 1 missing): seed"
    assert found["d"].verdict == "2 identical, 1 round_off" and found["d"].size > 500


BAD: list[Any] = [
    *("", "{", "[]", "null", "7", "\ufffe", "[" * 100_000),
    *({}, {"verdict": 1}, {**SUMMARY, "hl": None}, {**SUMMARY, "arms": [1]}, {**SUMMARY, "stream": "digits"}),
    *({"jobs": 7, "swept": []}, {"jobs": [7], "swept": [7]}),
]


@pytest.mark.parametrize("content", BAD, ids=range(len(BAD)))
@pytest.mark.parametrize("name", ["summary", "sweep"])
def test_a_damaged_file_is_named_and_the_rest_is_listed(outputs: Path, name: str, content: Any) -> None:
    made(outputs / "bad", 5, **{f"{name}_json": content})
    (outputs / "gone").symlink_to("nowhere")
    (outputs / "loop").symlink_to(outputs)
    found = table(outputs)
    assert list(found) == ["2026/a", "2026/b", "c", "d", "bad"]
    assert found["bad"].verdict == f"{name}.json damaged"


def test_what_a_stranger_wrote_moves_no_cursor_and_breaks_no_line(outputs: Path) -> None:
    made(outputs / "bad\x1b[2J", 5, summary_json={**SUMMARY, "model": "m\n\x1b[31m" + "long" * 50})
    text = said(find(outputs))
    assert len(text.splitlines()) == 6 and "\x1b" not in text and "m??[31mlong" in text
    assert max(map(len, text.splitlines())) < 250


def test_sizes() -> None:
    assert [size(n) for n in (0, 999, 1000, 1_250_000, 3 * 10**12)] == ["0 B", "999 B", "1.0 kB", "1.2 MB", "3.0 TB"]


def test_a_folder_that_is_not_there(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main([str(tmp_path / "none")]) == 1
    allowed = "folders with runs in them, as in hl-run ls outputs"
    assert capsys.readouterr().err == f"hl-run: ls {tmp_path / 'none'}: no such folder; allowed: {allowed}\n"
    assert main([str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"  no runs in {tmp_path}\n"


def test_the_command_waits_for_nothing_heavy(outputs: Path) -> None:
    code = (
        "import sys; from hl_cli.cli import main\n"
        "try: main()\n"
        "except SystemExit as stop: assert stop.code == 0\n"
        "assert not {'torch', 'hydra', 'numpy', 'matplotlib'} & set(sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code, "ls", str(outputs)], check=True, capture_output=True, text=True)
    assert run.stdout.count("\n") == 5
