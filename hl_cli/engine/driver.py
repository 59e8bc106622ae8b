"""The driver of engine=replay, C++ that makes recorded calls again: built once a machine, and kept like compiled code.

Its name in the cache is the hash of its sources, of torch and of the compiler. Where it cannot be built, one line says
why, and recorded calls are run by TorchScript's interpreter.
"""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import subprocess
import warnings
from collections.abc import Callable
from functools import cache as once
from pathlib import Path

import torch

from hl_cli.engine.cache import find, private
from hl_cli.engine.compiler import compiler
from hl_cli.errors import BadInput

ASKED = ("engine=replay", "engine=eager")
LIBRARY = "driver.so"
SOURCES = ("driver.cpp", "turns.hpp", "plan.hpp", "forms.hpp")
HERE = Path(__file__).parent
LOADED: list[Path] = []  # the library, once it is
TORCH = Path(torch.__file__).parent
FLAGS = [
    "-O2", "-std=c++20", "-fPIC", "-shared", "-w", f"-D_GLIBCXX_USE_CXX11_ABI={int(torch._C._GLIBCXX_USE_CXX11_ABI)}",
    f"-I{TORCH}/include", f"-I{TORCH}/include/torch/csrc/api/include",
]  # fmt: skip
LINKED = [f"-L{TORCH}/lib", "-ltorch_cpu", "-lc10"]
LONGEST = 600  # seconds that a compiler may take


def driver() -> bool:
    """Whether `torch.ops.hl_run` is there; asked for the first time, it is built and loaded."""
    return not missing()


@once
def called() -> Callable[..., int]:
    """Its function that takes turns, see turns.hpp, of a driver that is there."""
    place, number = ctypes.c_void_p, ctypes.c_int64
    function = ctypes.CDLL(str(LOADED[0])).hl_run_turns
    function.argtypes = [place, number, number, *[place] * 7, number, place, ctypes.c_double]
    function.restype = number
    return function


@once
def missing() -> str:
    """Why it is not there, or nothing; said once."""
    why = _load()
    if why:
        warnings.warn(f"{ASKED[0]}: recorded calls are run by TorchScript's interpreter: {why}", stacklevel=3)
    return why


def _load() -> str:
    try:
        command = compiler(ASKED)
        key = _key(command)
        with (private(ASKED) / f"{key}.lock").open("w") as lock:  # one process builds it, the others wait
            fcntl.flock(lock, fcntl.LOCK_EX)
            file = find(key, lambda file: _build(command, file), LIBRARY, ASKED)
        torch.ops.load_library(str(file))
        LOADED.append(file)
    except BadInput as error:
        return str(error).removeprefix(f"{ASKED[0]}: ")
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        return " ".join(str(getattr(error, "strerror", None) or error).split())[:200]
    return ""


def _key(command: str) -> str:
    sources = [(HERE / name).read_text() for name in SOURCES]
    made_by = Path(command).stat()
    of = (sources, torch.__version__, torch._C._GLIBCXX_USE_CXX11_ABI, command, made_by.st_size, made_by.st_mtime_ns)
    return "driver-" + hashlib.sha256(repr(of).encode()).hexdigest()[:32]


def _build(command: str, file: Path) -> None:
    """Compile it; raises RuntimeError with the first error of the compiler."""
    done = subprocess.run(
        [command, *FLAGS, str(HERE / SOURCES[0]), "-o", str(file), *LINKED],
        capture_output=True, text=True, errors="replace", timeout=LONGEST, check=False,
    )  # fmt: skip
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if "error" in line] or done.stderr.splitlines() or [""]
        raise RuntimeError(f"{command} cannot compile it: {said[0]}")
