"""The house rules: imports in one direction, small files, nothing heavy behind --help."""

from __future__ import annotations

import ast
import configparser
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "hl_cli"
LAYERS = {
    -1: {"types", "errors"},
    0: {"config"},
    1: {"dynamics", "machine", "replicates"},
    2: {"networks", "streams", "parallel", "minimise", "optimizer", "sampling"},
    3: {"credit", "density", "engine", "forecast", "video"},
    4: {"learners"},
    5: {"compare", "schemes"},
    6: {"reporting"},
    7: {"build", "studies"},
    8: {"runs"},
    9: {"sweeps"},
    10: {"cli"},
    11: {"__main__"},
}
LEVEL = {room: level for level, rooms in LAYERS.items() for room in rooms}
FILES = sorted(PACKAGE.rglob("*.py"))


def room(parts: tuple[str, ...]) -> str:
    return parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """Rooms of hl_cli that a file imports, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "hl_cli":
            found |= {node.module.split(".")[1]} if "." in node.module else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {a.name.split(".")[1] for a in node.names if a.name.startswith("hl_cli.")}
    return found - {"__version__"}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_room_imports_only_from_below(path: Path) -> None:
    here = room(path.relative_to(PACKAGE).parts)
    if here == "__init__":
        assert not imports(path)  # names are looked up when used
        return
    for other in imports(path) - {here}:
        assert LEVEL[other] < LEVEL[here], f"{path} imports {other}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_files_are_small(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 200
    assert path.stem not in ("utils", "misc", "helpers", "common")


def test_the_mathematics_knows_no_networks_and_no_files() -> None:
    for path in (PACKAGE / "dynamics").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = {alias.name for alias in node.names} | {getattr(node, "module", "") or ""}
                assert not names & {"nn", "optim", "torch.nn", "torch.optim", "omegaconf", "hydra", "pathlib"}, path
            assert not (isinstance(node, ast.Attribute) and node.attr in ("nn", "optim")), path
            assert not (isinstance(node, ast.Name) and node.id == "open"), path


def test_a_config_of_hydra_is_known_in_five_rooms_alone() -> None:
    """Elsewhere values are plain, or of the classes in hl_cli.config."""
    rooms = {room(path.relative_to(PACKAGE).parts) for path in FILES if "DictConfig" in path.read_text()}
    assert rooms <= {"build", "cli", "config", "runs", "sweeps"}


def test_import_and_help_do_not_wait_for_torch() -> None:
    code = (
        "import sys, hl_cli; from hl_cli.cli import main; sys.argv = ['hl-run', '--help']; main(); "
        "assert not {'torch', 'hydra', 'matplotlib', 'sklearn'} & set(sys.modules); import hl_cli; hl_cli.SGD"
    )
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert "digits_rows" in said and "explicit_euler" in said


@pytest.mark.parametrize("arguments", [["stream=series", "--help"], ["experiment=ett", "--help"], ["--version"]])
def test_no_help_waits_for_torch(arguments: list[str]) -> None:
    code = (
        f"import sys; from hl_cli.cli import main; sys.argv = ['hl-run', *{arguments}]; main(); "
        "assert not {'torch', 'hydra', 'matplotlib', 'sklearn'} & set(sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def test_every_public_name_is_there() -> None:
    import hl_cli

    for name in hl_cli.__all__:
        assert getattr(hl_cli, name).__doc__
    with pytest.raises(AttributeError):
        _ = hl_cli.nothing
    with pytest.warns(DeprecationWarning, match=r"hl_cli\.Blocks is now hl_cli\.Blockwise"):
        assert hl_cli.Blocks is hl_cli.Blockwise


def test_every_file_of_the_program_is_tracked() -> None:
    """A line in .gitignore may hide a room, and a clone would then not run."""
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        pytest.skip("no checkout, or no git")
    rooms = ("hl_cli", "configs", "tests", "scripts", "docs")
    hidden = subprocess.run(
        ["git", "ls-files", "--others", "--ignored", "--exclude-standard", *rooms],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.split()  # fmt: skip
    assert not [name for name in hidden if not name.endswith(".pyc")]


def test_every_package_is_in_the_wheel() -> None:
    said = configparser.ConfigParser()
    said.read(ROOT / "setup.cfg")
    folders = {path.parent.relative_to(ROOT) for path in FILES}
    assert set(said["options"]["packages"].split()) == {".".join(f.parts) for f in folders} | {"hl_cli.configs"}
