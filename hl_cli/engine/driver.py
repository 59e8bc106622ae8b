"""The driver of engine=replay, C++ that makes recorded calls again: built once a machine, and kept like compiled code.

Where it cannot be built, one line says why, and recorded calls are run by TorchScript's interpreter.
"""

from __future__ import annotations

import ctypes
import warnings
from collections.abc import Callable
from functools import cache as once
from pathlib import Path

import torch

from hl_cli.machine.library import Unbuilt, library

ASKED = ("engine=replay", "engine=eager")
SOURCES = [Path(__file__).with_name(name) for name in ("driver.cpp", "turns.hpp", "plan.hpp", "forms.hpp")]
LOADED: list[Path] = []  # the library, once it is
TORCH = Path(torch.__file__).parent
FLAGS = [
    "-O2", "-std=c++20", f"-D_GLIBCXX_USE_CXX11_ABI={int(torch._C._GLIBCXX_USE_CXX11_ABI)}",
    f"-I{TORCH}/include", f"-I{TORCH}/include/torch/csrc/api/include",
]  # fmt: skip
LINKED = [f"-L{TORCH}/lib", "-ltorch_cpu", "-lc10"]


def driver() -> bool:
    """Whether `torch.ops.hl_run` is there; asked for the first time, it is built and loaded."""
    return not missing()


@once
def called() -> Callable[..., int]:
    """Its function that takes turns, see turns.hpp, of a driver that is there."""
    place, number = ctypes.c_void_p, ctypes.c_int64
    function = ctypes.CDLL(str(LOADED[0])).hl_run_turns
    function.argtypes = [place, number, number, number, *[place] * 7, number, place, ctypes.c_double]
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
        file = library(SOURCES, ASKED, FLAGS, LINKED, torch.__version__)
        torch.ops.load_library(str(file))
    except Unbuilt as error:
        return str(error)
    except (OSError, RuntimeError) as error:
        return " ".join(str(error).split())[:200]
    LOADED.append(file)
    return ""
