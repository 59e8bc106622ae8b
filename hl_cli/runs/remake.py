"""The report of a run that has finished, made from the checkpoint of its end: what report=light left out."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

from hl_cli.build import comparison
from hl_cli.errors import BadInput
from hl_cli.parallel.world import World
from hl_cli.reporting.checkpoints import is_end, saved
from hl_cli.reporting.readback import json_of
from hl_cli.reporting.sums import check_sums
from hl_cli.runs.finish import Outcome
from hl_cli.runs.provenance import made_with
from hl_cli.runs.recompose import recompose
from hl_cli.runs.restart import alone, find
from hl_cli.runs.resume import Resumed, check_begun, overrides_of
from hl_cli.runs.run import conduct
from hl_cli.runs.signals import Interruption

SUMMARY = "summary.json"


def summary_of(folder: Path) -> dict[str, Any]:
    """The summary of a run that has finished; raises BadInput for any other folder."""
    where = f"report {folder}"
    if not folder.is_dir():
        raise BadInput(f"{where}: no such folder; allowed: the folder of a run or of a sweep")
    check_begun(folder, where)
    if not (folder / SUMMARY).is_file():
        raise BadInput(f"{where}: the run has not finished; hl-run resume={folder} goes on")
    found = json_of(folder / SUMMARY)
    if not isinstance(found, dict):
        raise BadInput(f"{folder / SUMMARY}: damaged: not the summary of a run")
    if "task" in found:
        raise BadInput(f"{where}: task={found['task']} has written its report; allowed: a run of arms side by side")
    if found.get("interrupted"):
        raise BadInput(f"{where}: stopped by {found['interrupted']}; hl-run resume={folder} goes on")
    return found


def remake(folder: Path) -> Outcome:
    """Write tables, pictures and pages as the run with report=full does; nothing is trained.

    Raises BadInput where the run has not finished, where its files are damaged, and where it has no checkpoint of its
    end, as with checkpoint_every=0.
    """
    summary = summary_of(folder)
    check_sums(folder)
    if not any(map(is_end, saved(folder)[:1])):
        raise BadInput(
            f"report {folder}: it has no checkpoint of its end; allowed: a run with checkpoint_every above 0"
        )
    cfg, stop, world = recompose(folder), Interruption(), World()
    built = comparison(cfg, world, any(said.startswith("split") for said in overrides_of(folder)))
    with alone(folder), stop, redirect_stdout(io.StringIO()):  # it has been said when the run ended
        made = made_with(cfg, built.stream.files)
        start = find(cfg, Resumed(folder), made)
        start = replace(start, resumed=start.resumed[:-1])  # it does not go on
        return conduct(cfg, built, folder, str(summary["command"]), stop, start, world, made, "full")
