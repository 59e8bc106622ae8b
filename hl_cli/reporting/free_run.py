"""What a free run leaves behind: free_run.csv, free_run.png, and a line a learner."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hl_cli.compare.free_run import FED, FreeRun
from hl_cli.reporting.canvas import canvas
from hl_cli.reporting.palette import Look
from hl_cli.reporting.whole import whole

MOST_PANELS = 4


def write_free_run(folder: Path, run: FreeRun) -> None:
    """free_run.csv: a column for each value of the signal, true and of each learner."""
    columns = [f"{name}_{k}" for k in range(run.true.shape[1]) for name in ("true", *run.said)]
    parts = [np.asarray(part.double().cpu()) for part in (run.true, *run.said.values())]
    rows = np.stack(parts, 2).reshape(len(run.true), -1)
    with whole(folder / "free_run.csv") as path, path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["tick", *columns])
        writer.writerows([tick, *row] for tick, row in enumerate(rows.tolist(), start=1))


def draw_free_run(folder: Path, title: str, run: FreeRun, arms: Sequence[Look]) -> None:
    """free_run.png: a panel for each value of the signal."""
    true = np.asarray(run.true.double().cpu())
    panels = min(run.true.shape[1], MOST_PANELS)
    size = (10, 1.2 + 2.4 * panels)
    with canvas(folder / "free_run.png", panels, figsize=size, squeeze=False) as (figure, axes):
        for k in range(panels):
            axis = axes[k][0]
            axis.plot(true[:, k], color="black", lw=3, alpha=0.25, label="true continuation")
            for arm in arms:
                if arm.name in run.said:
                    y = run.said[arm.name][:, k].double().cpu().numpy()
                    axis.plot(y, color=arm.color, lw=1.1, label=f"{arm.label}, generated")
            reach = max(float(np.abs(true[:, k]).max()), 1e-12)
            axis.set_ylim(-2 * reach, 2 * reach)
            axis.grid(alpha=0.25)
            axis.set_ylabel(f"value {k + 1}" if run.true.shape[1] > 1 else "value")
        axes[-1][0].set_xlabel("tick of the free run, weights frozen")
        axes[0][0].legend(framealpha=0.8, edgecolor="none", fontsize=9, ncol=3)
        figure.suptitle(f"{title}: free run, fed with {FED[run.feed]}", fontsize=11)


def said(run: FreeRun, labels: dict[str, str]) -> str:
    """The scores in words; labels: of the arms."""
    scores = run.scores()
    each = ", ".join(
        f"{of['power_error']:.3g} ({labels[name] if name in run.said else 'zero output'})"
        for name, of in scores.items()
    )
    over = ", ".join(f"{scores[name]['r2']:.3f} ({labels[name]})" for name in run.said)
    return f"  free run                   {len(run.true)} ticks, error/power {each}; r2 {over}"
