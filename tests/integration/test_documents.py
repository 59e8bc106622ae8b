"""The documents are true: their commands compose, their Python runs, what they name exists, and they build."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from hydra import compose, initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob, IntervalSweep

import hl_cli
from hl_cli.build import comparison
from hl_cli.cli import entry
from hl_cli.cli.help import help_text, options_of
from hl_cli.cli.tasks import config_of
from hl_cli.config import validation
from hl_cli.config.plugins import translate
from hl_cli.config.tasks import GROUPS, TASKS
from tests.covering import one_in
from tests.material import folder

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
TEXTS = {str(page.relative_to(ROOT)): page.read_text() for page in PAGES}
README = TEXTS["README.md"]


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def commands(text: str) -> list[str]:
    """The lines of a shell that call hl-run, whatever stands before `-m hl_cli`."""
    lines = "\n".join(blocks(text, "bash")).replace("\\\n", " ").splitlines()
    lines = [line.partition("  #")[0].rstrip() for line in lines]
    return [re.sub(r"^.*-m hl_cli ", "hl-run ", line) for line in lines if re.match(r"hl-run|.*-m hl_cli ", line)]


COMMANDS = [*dict.fromkeys(command for text in TEXTS.values() for command in commands(text))]
PYTHON = [(page, block) for page, text in TEXTS.items() for block in blocks(text, "python")]
FILES = {block.split()[1]: block for _, block in PYTHON if re.match(r"# \w+\.py\n", block)}


def one_of(word: str) -> str:
    """A word of a command line, with one value of those that a sweep goes through."""
    override = OverridesParser.create().parse_override(word)
    if not override.is_sweep_override():
        return word
    value = override.value()
    if isinstance(value, Glob):
        chosen = value.filter([*options_of(override.key_or_group)])[0]
    else:
        chosen = value.start if isinstance(value, IntervalSweep) else next(override.sweep_string_iterator())
    return f"{override.get_key_element()}={chosen}"


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with the files that examples read, and the modules that pages show."""
    monkeypatch.chdir(folder())
    monkeypatch.syspath_prepend(str(folder()))
    monkeypatch.setenv("HL_DATA_ROOT", str(folder()))
    for name, text in {"README.md": README, "a=b.csv": (folder() / "series.csv").read_text(), **FILES}.items():
        (folder() / name).write_text(text)


@one_in(2)
@pytest.mark.parametrize("command", COMMANDS)
def test_command_can_be_built(command: str, place: None) -> None:
    words = [word for word in shlex.split(command, comments=True)[1:] if word != "-m"]
    if "--help" in words:
        assert "no such option" not in help_text(words)
    elif words and words[0] in entry.COMMANDS:
        assert all(word.startswith(("DIR", "outputs")) for word in words[1:])
    elif words and words[0].startswith("resume="):
        assert {word.partition("=")[0] for word in words} <= {"resume", "steps", "checkpoint_every"}
    else:
        GlobalHydra.instance().clear()
        with initialize_config_module("hl_cli.configs", version_base="1.3"):
            cfg = compose(config_of(words), overrides=[one_of(word) for word in translate(words)])
            if "task" in cfg:
                assert TASKS[cfg.task].load()(cfg).opening
                return
            validation.check(cfg)
            if cfg.parallel is None:  # the others need processes
                comparison(cfg)


@pytest.mark.parametrize(("page", "block"), PYTHON, ids=lambda text: text[:30].strip())
def test_python_runs(page: str, block: str) -> None:
    code = compile(block, page, "exec")
    if not re.match(r"# \w+\.py\n", block) and "outputs/" not in block:  # a file of its own; a run of the reader's
        with contextlib.redirect_stdout(io.StringIO()):
            exec(code, {})


def test_the_readme_is_short_and_has_ten_examples() -> None:
    assert len(README.splitlines()) <= 150
    examples = README.partition("## Ten examples\n")[2].partition("\n## ")[0]
    assert len(commands(examples)) == 10
    assert len(COMMANDS) > 50


@pytest.mark.parametrize("page", TEXTS)
def test_paths_exist(page: str) -> None:
    for name in re.findall(r"`((?:hl_cli|configs|scripts|tests|docs)/[\w./]*)`", TEXTS[page]):
        assert (ROOT / name).exists(), name
    for link in re.findall(r"\]\(([\w./-]+)(?:#[\w-]+)?\)", TEXTS[page]):
        assert (ROOT / page).parent.joinpath(link).exists(), link


def test_the_map_of_the_code_has_every_room() -> None:
    for room in (path.parent.name for path in (ROOT / "hl_cli").glob("*/__init__.py")):
        assert f"| `hl_cli/{room}/` |" in TEXTS["CONTRIBUTING.md"], room


def test_claims_name_tests_that_exist() -> None:
    files = list((ROOT / "tests").rglob("test_*.py"))
    names = [p.stem for p in files] + re.findall(r"^def (test_\w+)", "\n".join(p.read_text() for p in files), re.M)
    text = README + TEXTS["docs/explanation/claims.md"]
    claims = re.findall(r"scripts/(?:test|soak --tests) -k (?:\"([\w ]+)\"|(\w+))", text)
    assert len(claims) >= 8
    for word in (word for claim in claims for word in "".join(claim).split(" or ")):
        assert any(word in name for name in names), word
    for name in re.findall(r"tests/\w+/test_\w+\.py", text):
        assert (ROOT / name).exists(), name


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    where = tmp_path_factory.mktemp("docs")
    build = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-n", "-b", "html", "docs", str(where)]
    said = subprocess.run(build, cwd=ROOT, capture_output=True, text=True)
    assert said.returncode == 0 and not said.stderr, said.stderr
    yield where


@one_in(2)
@pytest.mark.parametrize("group", [group for group in (*validation.CHOICES, *GROUPS) if group != "paths"])
def test_the_reference_has_every_option(built: Path, group: str) -> None:
    pages = "".join(page.read_text() for page in (built / "reference").glob("*.html"))
    for option in options_of(group):
        assert re.search(rf"<h[23]>.*{group}={option}<", pages), option


def test_the_reference_has_every_field_and_public_name(built: Path) -> None:
    run, python = ((built / "reference" / f"{page}.html").read_text() for page in ("run", "python"))
    for name in (f.name for f in fields(validation.Run) if f.metadata):
        assert f'<span class="pre">{name}</span>' in run, name
    for task in TASKS.values():
        page = (built / "reference" / f"{task.name}.html").read_text()
        for name in (f.name for f in fields(task.kind) if f.metadata):
            assert f'<span class="pre">{name}</span>' in page, name
    for name in hl_cli.__all__:
        assert f'id="hl_cli.{name}"' in python, name


def test_pages_ask_nothing_of_a_network(built: Path) -> None:
    for page in built.rglob("*.html"):
        assert not re.findall(r"<(?:script|link|img)[^>]*(?:src|href)=\"(?:https?:)?//", page.read_text()), page
