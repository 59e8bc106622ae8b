"""The C++ compiler of this machine."""

from __future__ import annotations

import os
import platform
import shutil
from functools import cache as once
from pathlib import Path

from hl_cli.errors import BadInput


def compiler(asked: tuple[str, str]) -> str:
    """Its path; CXX names another than the usual. Raises BadInput where there is none, for the option that asked."""
    named = os.environ.get("CXX")
    tried = [named] if named else ["g++", "clang++"]
    for name in tried:
        if found := shutil.which(name):
            return found
    option, otherwise = asked
    raise BadInput(
        f"{option}: no C++ compiler ({', '.join(tried)}) is on the path; install one, or allowed: {otherwise}"
    )


def identity(command: str) -> tuple[str, int, int]:
    """What tells this compiler from another of the same name."""
    file = Path(command).stat()
    return command, file.st_size, file.st_mtime_ns


@once
def processor() -> str:
    """What tells what this processor can do from what others can."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    able = next((line for line in lines if line.startswith(("flags", "Features"))), platform.processor())
    return f"{platform.machine()} {able}"
