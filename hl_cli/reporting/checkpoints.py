"""Checkpoints of a run: files that are whole or not there, checked to the bit when they are read.

`checkpoints/step-000010000.pt` is of between two steps, `end-000012000.pt` of after the last. A file is what torch.save
writes, so that torch.load(weights_only=True) takes it, and behind it the SHA-256 of it in hexadecimal digits: torch
itself does not notice a flipped bit.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
from pathlib import Path
from typing import Any

import torch

from hl_cli.errors import BadInput
from hl_cli.reporting.own_files import open_own
from hl_cli.reporting.whole import write_whole

FOLDER = "checkpoints"
FORMAT = "hl-run checkpoint 2"
DIGITS = 64  # of a SHA-256
_NAME = re.compile(r"(step|end)-(\d+)\.pt")


class Checkpoints:
    """every: steps between two, 0 for none but those that are asked for; keep: how many stay, the latest."""

    def __init__(self, folder: Path, every: int, keep: int, last: int = 0) -> None:
        self.folder, self.every, self.keep = folder / FOLDER, every, keep
        self._last = last

    def due(self, step: int, over: bool = False) -> bool:
        """Whether one is due at a step, the first rest after a multiple of `every`; over: no step follows."""
        return self.every > 0 and (over or step // self.every > self._last // self.every)

    def save(self, step: int, content: dict[str, Any], over: bool = False) -> None:
        """Write one, then forget the oldest; raises OSError, and nothing has changed then."""
        self.folder.mkdir(exist_ok=True)
        memory = io.BytesIO()
        torch.save({"format": FORMAT, **content}, memory)
        path = self.folder / f"{'end' if over else 'step'}-{step:09d}.pt"
        write_whole(path, memory.getbuffer(), hashlib.sha256(memory.getbuffer()).hexdigest().encode())
        sync(self.folder)
        self._last = step
        for old in saved(self.folder.parent)[self.keep :]:
            old.unlink()


def sync(folder: Path) -> None:
    """Bring the names in a folder to the disk."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def is_end(path: Path) -> bool:
    """Whether a checkpoint is of after the last step: it depends on how many steps were wanted."""
    return path.name.startswith("end")


def step_of(path: Path) -> int:
    """The step of a checkpoint by its name, -1 for another file."""
    match = _NAME.fullmatch(path.name)
    return int(match[2]) if match else -1


def saved(run: Path) -> list[Path]:
    """The checkpoints of a run, the latest first."""
    found = [p for p in (run / FOLDER).glob("*.pt") if step_of(p) >= 0]
    return sorted(found, key=lambda path: (step_of(path), is_end(path)), reverse=True)


def read(path: Path) -> dict[str, Any]:
    """The content of a checkpoint; raises BadInput for a file that is damaged, or none of ours."""
    with open_own(path) as file:
        data = file.read()
    whole = memoryview(data)[:-DIGITS]
    if hashlib.sha256(whole).hexdigest().encode() != data[-DIGITS:]:
        raise BadInput(f"{path}: damaged, or no checkpoint of hl-run: its check sum is not that of its content")
    try:
        content = torch.load(io.BytesIO(whole), weights_only=True)
    except Exception as error:
        raise BadInput(f"{path}: cannot be read: {' '.join(str(error).split())[:200]}") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise BadInput(f"{path}: no checkpoint of this version of hl-run; allowed: {FORMAT}")
    return content
