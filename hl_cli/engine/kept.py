"""What Inductor has written, kept on disk: where it is there, and its library too, a start needs no Inductor."""

from __future__ import annotations

import ctypes
import hashlib
from collections.abc import Callable
from functools import cache as once
from pathlib import Path

import torch

from hl_cli.engine.kernels import Lowered
from hl_cli.engine.lowered import ASKED, SETTINGS, build
from hl_cli.machine.cache import find
from hl_cli.machine.compiler import compiler, identity, processor

LOWERED, LIBRARY = "lowered.json", "kernels.so"


def kept(description: object, make: Callable[[], Lowered]) -> tuple[Lowered, ctypes.CDLL]:
    """A function of this description with its kernels, as they were kept, or made and built.

    Raises BadInput and OSError as hl_cli.machine.cache, and what `make` and the compiler raise.
    """
    of = (description, torch.__version__, SETTINGS, identity(compiler(ASKED)), processor(), _own_sources())
    key = f"lowered-{hashlib.sha256(repr(of).encode()).hexdigest()[:32]}"
    file = find(key, lambda file: _write(make(), file), LOWERED, ASKED)
    found = Lowered.of(file.read_text())
    return found, ctypes.CDLL(str(find(found.library, lambda file: build(found, file), LIBRARY, ASKED)))


def _write(of: Lowered, file: Path) -> None:
    file.write_text(of.text())


@once
def _own_sources() -> str:
    """The hash of this room, on which it depends what is written."""
    texts = [one.read_bytes() for one in sorted(Path(__file__).parent.glob("*.py"))]
    return hashlib.sha256(b"".join(texts)).hexdigest()
