"""The orbit of the Lorenz attractor without Python, where this machine has a C++ compiler: the same bits."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from functools import cache as once
from pathlib import Path

import numpy as np

from hl_cli.machine.library import Unbuilt, library

SOURCE = Path(__file__).with_name("lorenz.cpp")
FLAGS = ("-O2", "-std=c++17", "-ffp-contract=off")  # each operation is rounded by itself, as Python does it
ASKED = ("stream=lorenz", "Python does the same in more time")

Orbit = Callable[[Sequence[float], Sequence[float], Sequence[Sequence[float]], int, int], np.ndarray]


@once
def without_python(build: bool = True) -> Orbit | None:
    """The function (point, constants, rules, parts, count) -> (count, 3) of lorenz.cpp, or nothing.

    build: compile it where it is not kept yet.
    """
    real, number, place = ctypes.c_double, ctypes.c_int64, np.ctypeslib.ndpointer(np.float64, flags="C_CONTIGUOUS")
    try:
        function = ctypes.CDLL(str(library([SOURCE], ASKED, FLAGS, build=build))).hl_run_lorenz
    except (Unbuilt, OSError):
        return None
    function.argtypes = [place, real, real, real, place, number, number, number, place]
    function.restype = None

    def orbit(
        point: Sequence[float], constants: Sequence[float], rules: Sequence[Sequence[float]], parts: int, count: int
    ) -> np.ndarray:
        found = np.empty((count, 3))
        function(np.array(point), *constants, np.array(rules), len(rules), parts, count, found)
        return found

    return orbit
