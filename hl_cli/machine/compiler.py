"""The C++ compiler of this machine."""

from __future__ import annotations

import os
import shutil

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
