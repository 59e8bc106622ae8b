"""hl-run ls DIR: the runs and sweeps in a folder, a line each, the latest last.

    when              verdict    steps  held out                                 size  what                folder
    2026-11-27 20:10  identical   5000  accuracy hl 0.958, pytorch 0.958       1.2 MB  mlp on digits, ...  outputs/...

Read from summary.json and sweep.json alone, so that it is quick. A run without a summary is unfinished; a file that
cannot be read is named in the place of what it would have said, and the rest is listed all the same.
"""

from __future__ import annotations

import math
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hl_cli.config.tasks import TASKS
from hl_cli.errors import BadInput
from hl_cli.reporting.sealed import unsealed

SUMMARY, SWEEP, CONFIG, CURVES = "summary.json", "sweep.json", ".hydra", "curves.csv"
HEAD = ("when", "verdict", "steps", "held out", "size", "what", "folder")
LONGEST = 60  # characters of a cell that a run has written


@dataclass(frozen=True)
class Listed:
    """A run or a sweep, in words; changed: when its newest file of those that tell of it was written, in seconds."""

    folder: Path
    changed: float
    verdict: str
    steps: str
    scores: str
    size: int
    what: str

    def cells(self) -> tuple[str, ...]:
        """A row of the table."""
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(self.changed))
        row = (when, self.verdict, self.steps, self.scores, size(self.size), self.what)
        return (*map(_short, row), _clean(str(self.folder)))


def find(folder: Path) -> list[Listed]:
    """All runs and sweeps below a folder, or the folder itself; the jobs of a sweep are not listed one by one."""
    return sorted(_walk(folder), key=lambda one: (one.changed, one.folder))


def _walk(folder: Path) -> Iterator[Listed]:
    for here, folders, files in os.walk(folder):
        path = Path(here)
        if SWEEP in files:
            yield _sweep(path)
        elif SUMMARY in files or CURVES in files or CONFIG in folders:
            yield _run(path)
        else:
            folders.sort()
            continue
        folders.clear()


def _run(folder: Path) -> Listed:
    said = _read(folder / SUMMARY)
    changed, total = _changed(folder, (SUMMARY, CURVES, CONFIG)), _total(folder)
    if said is None:
        return Listed(folder, changed, "unfinished", "", "", total, _overrides(folder))
    try:
        if task := said.get("task"):
            of = next(said[group]["name"] for group in TASKS[task].groups)
            return Listed(folder, changed, "", str(said.get("steps", "")), str(said["result"]), total, f"{task} {of}")
        verdict = f"{said['verdict']}{', stopped' if said.get('interrupted') else ''}"
        what = f"{said['model']} on {said['stream']['name']}, {said['split']} split, {said['scenario']}"
        return Listed(folder, changed, verdict, str(said["steps"]), _scores(said), total, what)
    except (KeyError, TypeError, AttributeError, StopIteration):
        return Listed(folder, changed, f"{SUMMARY} damaged", "", "", total, _overrides(folder))


def _scores(said: dict[str, Any]) -> str:
    """The held-out score of each arm by the metric of the stream; the loss where there is none."""
    main = said["main"]
    arms = [str(arm) for arm in said.get("arms") or ("hl", "pytorch")]
    values = {arm: said[arm].get(f"held_out_{main}") for arm in arms}
    shown = [f"{arm} {value:.3g}" for arm, value in values.items() if isinstance(value, int | float)]
    return f"{main} {', '.join(shown)}" if shown else ""


def _sweep(folder: Path) -> Listed:
    said = _read(folder / SWEEP)
    changed, total = _changed(folder, (SWEEP,)), _total(folder)
    try:
        assert said is not None
        jobs: list[dict[str, Any]] = said["jobs"]
        counts = Counter(str(job["status"]) for job in jobs)
        verdicts = Counter(str(job["scores"]["verdict"]) for job in jobs if job["scores"].get("verdict"))
        what = f"sweep of {len(jobs)} jobs ({_counted(counts)}): {', '.join(map(str, said['swept']))}"
        return Listed(folder, changed, _counted(verdicts), "", "", total, what)
    except (KeyError, TypeError, AttributeError, AssertionError):
        return Listed(folder, changed, f"{SWEEP} damaged", "", "", total, "sweep")


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {word}" for word, count in counts.most_common())


def _read(path: Path) -> dict[str, Any] | None:
    """A file of JSON; None where it is not there, an empty one where it cannot be read."""
    try:
        said = unsealed(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _overrides(folder: Path) -> str:
    """What the command of a run said, where that is known."""
    try:
        lines = (folder / CONFIG / "overrides.yaml").read_bytes()[:10_000].decode(errors="replace").splitlines()
    except OSError:
        return ""
    return " ".join(line.removeprefix("- ") for line in lines if line.startswith("- "))


def _changed(folder: Path, names: Sequence[str]) -> float:
    times = []
    for name in (*names, "."):
        try:
            times.append((folder / name).stat().st_mtime)
        except OSError:
            continue
        if name != ".":
            break
    return times[0] if times else 0.0


def _total(folder: Path) -> int:
    """Bytes of all files below it."""
    total = 0
    for here, _, files in os.walk(folder):
        for name in files:
            try:
                total += (Path(here) / name).lstat().st_size
            except OSError:
                continue
    return total


def size(count: int) -> str:
    """A number of bytes for people."""
    power = min(4, int(math.log(max(count, 1), 1000)))
    return f"{count / 1000**power:.{1 if power else 0}f} {('B', 'kB', 'MB', 'GB', 'TB')[power]}"


def _clean(text: str) -> str:
    """Without what would move a terminal's cursor, or break a line."""
    return "".join(c if c.isprintable() else "?" for c in text)


def _short(text: str) -> str:
    text = _clean(text)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def said(found: Sequence[Listed]) -> str:
    """The table."""
    rows = [HEAD, *(one.cells() for one in found)]
    widths = [max(len(row[k]) for row in rows) for k in range(len(HEAD))]
    right = ("steps", "size")
    lines = (
        "  ".join(
            f"{cell:>{width}}" if name in right else f"{cell:<{width}}"
            for cell, width, name in zip(row, widths, HEAD, strict=True)
        )
        for row in rows
    )
    return "\n".join(f"  {line}".rstrip() for line in lines)


def main(arguments: Sequence[str]) -> int:
    """Print the table of one or more folders, of outputs where none is named; return 1 for one that is not there."""
    folders = [Path(argument) for argument in arguments] or [Path("outputs")]
    try:
        for folder in folders:
            if not folder.is_dir():
                raise BadInput(
                    f"ls {folder}: no such folder; allowed: folders with runs in them, as in hl-run ls outputs"
                )
    except BadInput as error:
        print(f"hl-run: {error}", file=sys.stderr)
        return 1
    found = sorted((one for folder in folders for one in find(folder)), key=lambda one: (one.changed, one.folder))
    print(said(found) if found else f"  no runs in {', '.join(_clean(str(folder)) for folder in folders)}")
    return 0
