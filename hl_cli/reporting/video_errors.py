"""Pictures of errors in task=video: frame by frame of the rollouts, and over the steps of training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from hl_cli.reporting.canvas import canvas
from hl_cli.reporting.video_looks import COLORS
from hl_cli.video.rollouts import Truth
from hl_cli.video.study import Result

SMOOTH = 50  # steps of training


def draw_errors(folder: Path, title: str, results: Sequence[Result], truth: Truth) -> None:
    """errors.png: a line a replicate."""
    with canvas(folder / "errors.png", figsize=(9.5, 4.4)) as (figure, axis):
        axis.axvspan(0, truth.frames - 1, color="#eef3f8", lw=0)
        axis.axhline(1, color="#8c8c8c", lw=1, ls="--")
        for of in results:
            error = of.rollouts.by_frame(truth).cpu()
            frames = torch.arange(len(error)) - of.rollouts.back
            for replicate, line in enumerate(error.T):
                label = of.arm.label if replicate == 0 else None
                axis.plot(frames, line, color=COLORS[of.arm.name], lw=1.3, label=label)
        axis.set_yscale("log")
        axis.set_xlabel("frame")
        axis.set_ylabel("squared error / variance of pixels")
        axis.grid(alpha=0.25)
        figure.legend(loc="outside right upper", frameon=False)
        axis.set_title(f"{title}: error by frame; shaded: training; dashed: the mean frame", fontsize=11)


def draw_training(folder: Path, title: str, results: Sequence[Result]) -> None:
    """training.png: squared error a frame, the median over replicates, smoothed over some steps."""
    with canvas(folder / "training.png", figsize=(9.5, 3.8)) as (figure, axis):
        for of in results:
            error = of.history[:, 0].cpu().median(1).values
            width = min(SMOOTH, len(error))
            smooth = error.unfold(0, width, 1).mean(1)
            axis.plot(torch.arange(len(smooth)) + width, smooth, color=COLORS[of.arm.name], lw=1.4, label=of.arm.label)
        axis.set_yscale("log")
        axis.set_xlabel("step")
        axis.set_ylabel("squared error a frame")
        axis.grid(alpha=0.25)
        figure.legend(loc="outside right upper", frameon=False)
        axis.set_title(f"{title}: training, mean of the last {SMOOTH} steps", fontsize=11)
