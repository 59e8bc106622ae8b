"""Film strips: true frames, and below them those of each arm at the same time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hl_cli.reporting.canvas import canvas
from hl_cli.video.rollouts import SPEEDS, Truth
from hl_cli.video.study import Data, Result

SHOWN = 18  # frames of a strip
SAMPLES = 5
BORDER = 1  # pixels between frames
LINE = 0.35  # brightness of the line between frames


def draw_film(folder: Path, title: str, results: Sequence[Result], truth: Truth, size: int) -> None:
    """film.png: back in time, the frames of training, and those beyond; the first video of the first replicate."""
    count = truth.normal.shape[2]
    numbers = [round(k) for k in torch.linspace(-truth.back, count - truth.back - 1, SHOWN).tolist()]
    rows = [("truth", truth.normal[0, 0], truth.back)]
    rows += [(of.arm.label, of.rollouts.found["normal"][0, 0], of.rollouts.back) for of in results]
    strips = {name: [_at(frames, back + k) for k in numbers] for name, frames, back in rows}
    with canvas(folder / "film.png", figsize=_figure(len(numbers), len(rows), 1)) as (_, axis):
        _strip(axis, strips, [str(k) for k in numbers], size)
        axis.set_xlabel("frame")
        for split in (0, truth.frames):
            column = sum(k < split for k in numbers)
            if 0 < column < len(numbers):
                axis.axvline(column * (size + BORDER) - 0.5, color="#d1495b", lw=1.6)
        axis.set_title(f"{title}: before the first frame | the {truth.frames} frames of training | beyond", fontsize=11)


def draw_speeds(folder: Path, title: str, results: Sequence[Result], truth: Truth, size: int) -> None:
    """speeds.png: rollouts of the same video by steps of h/2 and 2h; no picture where no other speed is known."""
    able = [of for of in results if of.rollouts.found.keys() >= truth.speeds.keys()]
    if not truth.speeds or not able:
        return
    with canvas(
        folder / "speeds.png", len(truth.speeds), squeeze=False,
        figsize=_figure(SHOWN, len(able) + 1, len(truth.speeds)),
    ) as (figure, axes):  # fmt: skip
        for axis, (name, true) in zip(axes[:, 0], truth.speeds.items(), strict=True):
            numbers = [round(k) for k in torch.linspace(0, true.shape[2] - 1, SHOWN).tolist()]
            rows = {"truth": true, **{of.arm.label: of.rollouts.found[name] for of in able}}
            strips = {label: [_at(of[0, 0], k) for k in numbers] for label, of in rows.items()}
            _strip(axis, strips, [f"{k * SPEEDS[name]:g}" for k in numbers], size)
            axis.set_title(f"{name} speed: steps of {SPEEDS[name]:g} h", fontsize=10)
            axis.set_xlabel("frame of the normal speed")
        figure.suptitle(f"{title}: at other speeds, from the same start", fontsize=11)


def draw_samples(folder: Path, title: str, results: Sequence[Result], data: Data) -> None:
    """samples.png: rollouts of codes drawn from N(0, I), which no video gave; of the first arm."""
    of, (generator,) = results[0], data.generators("samples")[:1]
    z = torch.randn(1, SAMPLES, data.sizes.code, generator=generator, dtype=torch.float64)
    own = {name: weight[:1] for name, weight in of.weights.items()}
    with torch.no_grad():
        states = of.model.rollout(own, of.model.start(own, z.to(data.device, data.dtype)), data.dt, data.horizon - 1)
        found = of.model.decode(own, of.model.positions(own, states))[0]
    numbers = [round(k) for k in torch.linspace(0, data.horizon - 1, SHOWN).tolist()]
    strips = {f"sample {k + 1}": [_at(frames, n) for n in numbers] for k, frames in enumerate(found)}
    with canvas(folder / "samples.png", figsize=_figure(SHOWN, SAMPLES, 1)) as (_, axis):
        _strip(axis, strips, [str(k) for k in numbers], data.size)
        axis.set_xlabel("frame")
        axis.set_title(f"{title}: {of.arm.label}, codes drawn from N(0, I)", fontsize=11)


def _figure(columns: int, rows: int, panels: int) -> tuple[float, float]:
    each = 0.58
    return each * columns + 1.1, panels * (each * rows + 0.9)


def _at(frames: Tensor, number: int) -> Tensor | None:
    """One frame, None where there is none."""
    return frames[number] if 0 <= number < len(frames) else None


def _strip(axis: Any, rows: dict[str, list[Tensor | None]], ticks: list[str], size: int) -> None:
    """Rows of frames as one picture; what an arm cannot do is left white, and said."""
    step = size + BORDER
    whole = torch.full((len(rows) * step - BORDER, len(ticks) * step - BORDER), torch.nan)
    for y, frames in enumerate(rows.values()):
        for x, frame in enumerate(frames):
            if frame is not None:
                whole[y * step : (y + 1) * step, x * step : (x + 1) * step] = LINE
                whole[y * step : y * step + size, x * step : x * step + size] = frame.float().cpu().view(size, size)
        missing = sum(frame is None for frame in frames)
        if missing:
            axis.text(missing * step / 2, y * step + size / 2, "cannot", ha="center", va="center", fontsize=9)
    axis.imshow(whole.numpy(), cmap="gray", vmin=0, vmax=1, interpolation="nearest", aspect="equal")
    axis.set_xticks([x * step + size / 2 for x in range(len(ticks))], ticks, fontsize=8)
    axis.set_yticks([y * step + size / 2 for y in range(len(rows))], rows, fontsize=9)
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
