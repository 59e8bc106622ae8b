"""The words after the name of a script: a folder, if it takes one, then key=value."""

from __future__ import annotations

import sys
from pathlib import Path


def pairs(doc: str | None, words: list[str]) -> dict[str, str]:
    """key=value as a dictionary; anything else prints what the script is for and ends it."""
    if any("=" not in word for word in words):
        sys.exit(doc)
    return dict(word.split("=", 1) for word in words)


def folder_and_pairs(doc: str | None) -> tuple[Path, dict[str, str]]:
    """The same after a folder, which is made."""
    if len(sys.argv) < 2 or sys.argv[1].startswith("-") or "=" in sys.argv[1]:
        sys.exit(doc)
    found = pairs(doc, sys.argv[2:])
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    return folder, found
