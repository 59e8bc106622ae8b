"""hl-run board DIR: TensorBoard on a sweep, its runs named by what was swept: lr=0.05,seed=1/hl.

The names are links in a folder that goes when TensorBoard ends; the sweep stays as it is.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hl_cli.errors import BadInput
from hl_cli.sweeps.manifest import FILE, ManifestFile

USAGE = "hl-run board DIR: the folder of a sweep; what follows it goes to tensorboard, such as --port 6007"
BOARD = "tensorboard"  # the folder of the event files of a run
LONGEST = 200  # characters of a name


def named(row: dict[str, Any], swept: Sequence[str]) -> str:
    """A job by its swept choices, keys by their last part where that is one of its own."""
    short = [key.rpartition("@")[2].rpartition(".")[2] for key in swept]
    keys = [last if short.count(last) == 1 else key for key, last in zip(swept, short, strict=True)]
    said = ",".join(f"{key}={row[full]}" for key, full in zip(keys, swept, strict=True))
    return re.sub(r"[^\w.,=@+-]+", "_", said)[:LONGEST].strip(".") or "run"


def link(sweep: Path, where: Path) -> list[str]:
    """Make a link for each job that left event files; jobs of one name are told apart by their numbers."""
    book = ManifestFile(sweep).read()
    names = []
    for row in book.rows():
        events = (sweep / row["folder"] / BOARD).resolve()
        if not row["folder"] or not events.is_dir() or sweep.resolve() not in events.parents:
            continue
        name = named(row, book.swept)
        names.append(f"{name},job={row['job']}" if name in names else name)
        (where / names[-1]).symlink_to(events, target_is_directory=True)
    return names


def main(arguments: Sequence[str]) -> int:
    """Run TensorBoard until it ends; return its exit code, or 1 for a folder that is no sweep."""
    try:
        if not arguments or arguments[0].startswith("-"):
            raise BadInput(f"board: {USAGE}")
        sweep = Path(arguments[0])
        if not ManifestFile(sweep).exists:
            raise BadInput(f"board {sweep}: is no sweep, it has no {FILE}; allowed: the folder of one")
        with tempfile.TemporaryDirectory(prefix="hl-board-") as where:
            if not link(sweep, Path(where)):
                raise BadInput(f"board {sweep}: no job has left event files yet")
            command = [sys.executable, "-m", "tensorboard.main", "--logdir", where, *arguments[1:]]
            return subprocess.run(command, check=False).returncode
    except BadInput as error:
        print(f"hl-run: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
