"""pipeline.png: which block sat where, how long it computed and how long it waited."""

from __future__ import annotations

from pathlib import Path

from hl_cli.learners.stage_report import StageReport
from hl_cli.reporting.canvas import canvas
from hl_cli.reporting.palette import OWN

SHARED, WAITED = "#c9d1dc", "#ff7d00"
PLACES = ("#eef3f8", "#f8f1e7", "#eef6ee", "#f6eef4")  # behind the blocks, a colour a place


def draw_pipeline(folder: Path, title: str, reports: list[StageReport]) -> None:
    """A row a block, the input at the bottom as in the net; bars are shares of the seconds in steps."""
    height = 1.6 + 0.55 * len(reports)
    places = list(dict.fromkeys(one.place for one in reports))
    with canvas(folder / "pipeline.png", figsize=(9.5, height)) as (figure, axis):
        for y, one in enumerate(reports):
            axis.axhspan(y - 0.5, y + 0.5, color=PLACES[places.index(one.place) % len(PLACES)], zorder=0)
            total = (one.computed + one.shared + one.waited) or 1.0
            left = 0.0
            for seconds, color, name in (
                (one.computed, OWN["hl"], "computed"),
                (one.shared, SHARED, "its process was busy elsewhere"),
                (one.waited, WAITED, "waited for another process"),
            ):
                axis.barh(y, seconds / total, 0.5, left, color=color, label=name if y == 0 else None, zorder=2)
                if seconds / total > 0.08:
                    ink = "black" if color == SHARED else "white"
                    axis.text(
                        left + seconds / total / 2,
                        y,
                        f"{seconds:.2f} s",
                        ha="center",
                        va="center",
                        color=ink,
                        fontsize=8,
                    )
                left += seconds / total
        labels = [f"block {one.block}: {one.layers}\n{one.weights:,} weights on {one.place}" for one in reports]
        axis.set_yticks(range(len(reports)), labels, fontsize=8)
        axis.set_ylim(-0.5, len(reports) - 0.5)
        axis.set_xlim(0, 1)
        axis.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100 %"])
        axis.set_xlabel("share of the time in steps; h passes upwards, its costate downwards")
        figure.legend(loc="outside upper center", ncols=3, fontsize=8, frameon=False, title=title, title_fontsize=10)
