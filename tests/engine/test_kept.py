"""What a compiler wrote is kept: a second start needs no compiler of PyTorch, and takes nothing that was changed."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hl_cli.build import Comparison
from hl_cli.engine import kept as kept_module
from hl_cli.engine.kept import LOWERED, kept
from hl_cli.engine.kernels import Kernel, Lowered
from hl_cli.machine.cache import cache

WRITTEN = Lowered(
    [Kernel("first", ("const float*", "float*"), "...")], "def call(args):\n    first(*args)", "kernels-1"
)
CHOICE = ("model=mlp", "scenario=gd_b", "dtype=float64", "engine=compiled")
UNUSED = {"torch._inductor", "torch._dynamo", "sympy", "matplotlib", "scipy.integrate"}
pytestmark = pytest.mark.skipif(not (shutil.which("g++") or shutil.which("clang++")), reason="no C++ compiler")


def test_its_text_is_all_of_it_and_strange_names_are_found() -> None:
    assert Lowered.of(WRITTEN.text()) == WRITTEN and not WRITTEN.strange()
    assert WRITTEN._replace(code="def call(args):\n    return len(what(args))").strange() == {"what"}


def test_it_is_written_once_and_anew_where_it_was_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(kept_module, "build", lambda _, file: file.write_bytes(b"native code"))
    monkeypatch.setattr(ctypes, "CDLL", lambda name: name)
    made: list[str] = []

    def get(of: str) -> None:
        def make() -> Lowered:
            made.append(of)
            return WRITTEN

        assert kept(of, make)[0] == WRITTEN

    for of in ("one", "one", "another", "one"):
        get(of)
    assert made == ["one", "another"]
    for file in cache().glob(f"*/{LOWERED}"):
        file.write_text(file.read_text().replace("call(args)", "call(self)"))
    with pytest.warns(UserWarning, match="its digest is another; removed, and compiled anew"):
        get("one")
    assert made == ["one", "another", "one"]


def test_a_second_start_imports_nothing_that_it_does_not_use(build: Callable[..., Comparison], tmp_path: Path) -> None:
    build(*CHOICE)
    code = (
        "import sys; from hl_cli.cli import main; "
        f"sys.argv = ['hl-run', *{CHOICE}, 'arm=[hl]', 'report=none', 'steps=2']; "
        f"main(); assert not {UNUSED} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, stdout=subprocess.DEVNULL)
