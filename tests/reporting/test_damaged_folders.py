"""Damaged folders of runs and sweeps: one line that names the file; what differs between two configs is named."""

from __future__ import annotations

import hashlib
import io
import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from hl_cli.errors import BadInput
from hl_cli.reporting.checkpoints import read, saved
from hl_cli.reporting.listing import main as listing
from hl_cli.reporting.two_runs import main
from hl_cli.runs.resume import take_up
from hl_cli.runs.run import run
from hl_cli.sweeps.manifest import JobRecord, Manifest, ManifestFile
from tests.broken_off import Configured, made

pytestmark = pytest.mark.usefixtures("no_pictures")
OPTIONS = ("steps=20", "log_every=5", "eval_every=10")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture
def folders(runs: Path, configured: Configured, tmp_path: Path) -> Path:
    """Copies of the folders of two runs of other options: one, other."""
    if not any(runs.iterdir()):
        run(configured(*OPTIONS), made(runs / "one"))
        run(configured(*OPTIONS, "model.hidden=[16]", "seed=2"), made(runs / "other"))
        for name in ("one", "other"):
            (runs / name / ".hydra" / "overrides.yaml").write_text(yaml.safe_dump([*OPTIONS]))
    shutil.copytree(runs, tmp_path / "runs")
    return tmp_path / "runs"


def without_learners(path: Path) -> None:
    state = {key: value for key, value in read(path).items() if key != "learners"}
    memory = io.BytesIO()
    torch.save(state, memory)
    path.write_bytes(memory.getvalue() + hashlib.sha256(memory.getvalue()).hexdigest().encode())


def write(data: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(data)


def append(data: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(path.read_bytes() + data)


DAMAGE: list[tuple[str, Callable[[Path], object], str]] = [
    ("curves.csv", append(b"\n"), "line 22 is empty"),
    ("curves.csv", append(b"\xff\n"), "not UTF-8"),
    ("running.csv", append(b'"' + b"7" * 200_000), "field larger"),
    ("curves.csv", write(b"\n1,2\n"), "line 1 is empty"),
    ("summary.json", write(b"{"), "no JSON"),
    ("summary.json", write(b"\xff"), "not UTF-8"),
    ("summary.json", write(b"[" * 100_000), "no JSON"),
    (".hydra/config.yaml", write(b"steps: [1"), "no YAML in line 1"),
    (".hydra/config.yaml", write(b"- 1"), "a list where a dict is expected"),
    (".hydra/config.yaml", write(b"\xfe"), "not UTF-8"),
    (".hydra/config.yaml", write(b"a: &a [*a]"), "no YAML"),
    ("checkpoints/end-000000020.pt", without_learners, "without learners"),
    ("checkpoints/end-000000020.pt", write(b"no"), "damaged"),
]


@pytest.mark.parametrize(("name", "damage", "word"), DAMAGE)
def test_compare_names_the_file_that_is_damaged(
    name: str, damage: Callable[[Path], object], word: str, folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(folders / "one" / name)
    capsys.readouterr()
    for other in ("one", "other"):
        assert main([str(folders / "one"), str(folders / other)]) == 1
        said = capsys.readouterr().err
        assert said.count("\n") == 1 and str(folders / "one" / name) in said and word in said


def test_compare_says_which_options_differ_and_shows_no_tensors(
    folders: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main([str(folders / "one"), str(folders / "other")]) == 3
    said = capsys.readouterr().out
    options = [line for line in said.splitlines() if "another option" in line]
    assert options == ["  another option: model.hidden: [32] and [16]", "  another option: seed: 0 and 2"]
    assert "tensor(" not in said and "torch.float32 (32, 64) and torch.float32 (16, 64)" in said


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("config.yaml", b"- 1"),
        ("config.yaml", b"a: b: c"),
        ("config.yaml", b"\xff"),
        ("config.yaml", b"steps: many"),
        ("overrides.yaml", b"a: 1"),
        ("overrides.yaml", b"[1, {}]"),
        ("overrides.yaml", b"\xff"),
        ("hydra.yaml", b"hydra: 3"),
        ("hydra.yaml", b"hydra: {runtime: {config_sources: [{provider: command-line}]}}"),
        ("hydra.yaml", b"3"),
    ],
)
def test_resume_names_the_file_of_the_config_that_is_damaged(name: str, data: bytes, folders: Path) -> None:
    file = folders / "one" / ".hydra" / name
    file.write_bytes(data)
    with pytest.raises(BadInput, match="damaged") as caught:
        take_up([f"resume={folders / 'one'}", "steps=30"])
    assert str(file) in str(caught.value) and "\n" not in str(caught.value)


def test_a_damaged_ledger_is_named(tmp_path: Path) -> None:
    ledger = ManifestFile(tmp_path)
    scores = {"verdict": "identical", "hl_final_loss": 0.5}
    with ledger.change(Manifest({"seed": 0}, ["seed"], ["seed=1"])) as book:
        book.jobs.append(JobRecord(0, {"seed": "1"}, "done", scores=scores))
    whole: dict[str, Any] = json.loads((tmp_path / "sweep.json").read_text())

    def refused(said: Any) -> None:
        (tmp_path / "sweep.json").write_text(said if isinstance(said, str) else json.dumps(said))
        with pytest.raises(BadInput, match=r"cannot be read as the ledger of a sweep|leads out of") as caught:
            ledger.read()
        assert str(tmp_path / "sweep.json") in str(caught.value) and "\n" not in str(caught.value)

    flipped = (tmp_path / "sweep.json").read_text().replace("0.5", "0.7")  # a bit of a score
    refused(flipped)
    del whole["sha256"]
    job = whole["jobs"][0]
    for key, value in (("base", 1), ("swept", "seed"), ("swept", [1]), ("command", None), ("jobs", {"a": 1})):
        refused({**whole, key: value})
    for key in job:
        refused({**whole, "jobs": [{**job, key: [1]}]})
    refused({**whole, "jobs": [{**job, "scores": {**scores, "judged_by": ["r2"]}}]})
    refused("[" * 100_000)
    (tmp_path / "sweep.json").write_text(json.dumps(whole))
    assert ledger.read().jobs[0].scores == scores


def test_random_damage_never_ends_in_anything_but_a_line(folders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dice = random.Random(0)
    one, kept = folders / "one", folders.parent / "kept"
    shutil.copytree(one, kept)
    names = ["curves.csv", "summary.json", ".hydra/config.yaml", "weights.csv", saved(one)[0].relative_to(one)]
    for _ in range(60):
        name = dice.choice(names)
        data = bytearray((kept / name).read_bytes())
        for place in dice.sample(range(len(data)), 5):
            data[place] = dice.randrange(256)
        (one / name).write_bytes(data[: dice.choice((len(data), len(data) // 2))])
        code = main([str(one), str(kept)])
        said = capsys.readouterr()
        assert (code == 1 and said.err.count("\n") == 1) or (code in (0, 3) and not said.err)
        shutil.copy(kept / name, one / name)


def test_a_finished_run_whose_files_are_damaged_has_not_finished(
    folders: Path, capsys: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    """resume= would say that there is nothing to do; a digit of the summary would be listed as it is."""
    folder = folders / "one"
    kept = {name: (folder / name).read_bytes() for name in ("summary.json", "curves.csv", "weights.csv", "SHA256SUMS")}
    assert take_up([f"resume={folder}"])[1].done  # type: ignore[union-attr]
    damage = {"summary.json": b'"steps": 20', "curves.csv": b"\n20,", "weights.csv": b"\n0.", "SHA256SUMS": b"  curves"}
    for name, place in damage.items():
        assert place in kept[name] or name == "weights.csv"
        content = bytearray(kept[name])
        content[max(0, kept[name].find(place)) + 1] ^= 1
        for data in (bytes(content), None):
            (folder / name).unlink()
            if data is not None:
                (folder / name).write_bytes(data)
            _, resumed = take_up([f"resume={folder}"])
            if data is not None or name in ("curves.csv", "weights.csv"):
                assert resumed is not None and not resumed.done
                assert name in str(recwarn.pop().message)
        (folder / name).write_bytes(kept[name])
    (folder / "summary.json").write_bytes(kept["summary.json"].replace(b'"steps": 20', b'"steps": 30'))
    assert listing([str(folder)]) == 0
    assert "summary.json damaged" in capsys.readouterr().out


def test_arguments_that_are_damaged_are_named(invoke: Any, folders: Path) -> None:
    """A word that was cut off is no field; it is not what the user typed."""
    file = folders / "one" / ".hydra" / "overrides.yaml"
    for word in ("log", "stmps=20", "model=mlpp", "log_every=[", "seed=x"):
        file.write_text(yaml.safe_dump([*OPTIONS, word]))
        code, _, err = invoke(f"resume={folders / 'one'}", "steps=30")
        assert (code, err.count("\n")) == (1, 1) and str(file) in err, word
    file.write_text(yaml.safe_dump([*OPTIONS]))
    code, _, err = invoke(f"resume={folders / 'one'}", "steps=30", "checkpoint_every=x")
    assert code == 1 and str(file) not in err, err
