"""The README is true: its Python runs, its commands compose, its paths exist."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from pathlib import Path

import pytest
from hydra import compose, initialize_config_module
from hydra.core.global_hydra import GlobalHydra

from hl_cli.build import comparison
from tests.material import folder

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
COMMANDS = re.findall(r"^hl-run .*$", README, re.MULTILINE)


def test_python_example_runs_and_holds() -> None:
    (code,) = (block for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "# mine.py" not in block)
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(compile(code, "README.md", "exec"), {})
    lines = [line.split() for line in said.getvalue().splitlines()]
    assert len(lines) == 1000 and all(a == b for a, b in lines)


def test_there_are_ten_examples() -> None:
    examples = README.partition("## Ten examples\n")[2].partition("\n## ")[0]
    assert len(re.findall(r"^hl-run .*$", examples, re.MULTILINE)) == 10
    assert len(COMMANDS) > 10  # other sections have theirs, which are built too


@pytest.mark.parametrize("command", COMMANDS)
def test_command_can_be_built(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder())  # where the files are that some examples read
    monkeypatch.setenv("HL_DATA_ROOT", str(folder()))
    (folder() / "README.md").write_text(README)
    words = shlex.split(command, comments=True)[1:]
    sweep = "-m" in words
    overrides = [re.sub(r",(?![^\[]*\]).*", "", word) if sweep else word for word in words if word != "-m"]
    GlobalHydra.instance().clear()
    with initialize_config_module("hl_cli.configs", version_base="1.3"):
        comparison(compose("run", overrides=overrides))


def test_paths_exist() -> None:
    named = set(re.findall(r"`((?:hl_cli|configs|scripts|tests)/[\w./]*)`", README))
    assert len(named) > 15
    for name in named | set(re.findall(r"\]\((\w+\.\w+)\)", README)):
        assert (ROOT / name).exists(), name


def test_claims_name_tests_that_exist() -> None:
    files = list((ROOT / "tests").rglob("test_*.py"))
    names = [p.stem for p in files] + re.findall(r"^def (test_\w+)", "\n".join(p.read_text() for p in files), re.M)
    claims = re.findall(r"scripts/test -k \"?([\w ]+)\"?", README)
    assert len(claims) >= 8
    for word in (word for claim in claims for word in claim.split(" or ")):
        assert any(word in name for name in names), word
