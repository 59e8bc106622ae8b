r"""Your own videos: a .npy file of an array (videos, frames, rows, columns), grey.

Whole numbers are of 0 to 255; other numbers are of 0 to 1. The last part of the videos is for judging; a training
video begins at any frame of one of the others. Nothing is known between two frames, nor is an energy.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import torch
from omegaconf import MISSING
from torch import Tensor

from hl_cli.config.fields import described
from hl_cli.config.registry import choice
from hl_cli.config.scenes import SceneConfig
from hl_cli.errors import BadInput
from hl_cli.video.scenes.base import Film, Scene

BRIGHTEST = 255


@choice("scene", "recorded", home="Recorded")
@dataclass
class RecordedSceneConfig(SceneConfig):
    """Your own grey videos from a .npy file, (videos, frames, rows, columns); no half speed and no energy is known."""

    path: str = described(MISSING, "file, as numpy.save writes it")
    held_out: float = described(0.2, "last part of the videos, for judging", above=0, below=1)


class Recorded(Scene):
    """Frames of a file."""

    def __init__(self, path: str, held_out: float = 0.2) -> None:
        self.path = path
        found = _array(path)
        split = round(len(found) * (1 - held_out))
        self._shape = found.shape[1:]
        self._parts = {"training": found[:split], "judging": found[split:]}

    def length(self) -> int | None:
        """Frames of each video."""
        return int(self._shape[0])

    def check(self, size: int, judged: int) -> None:
        """Frames are of this size, and not all the same; there are so many of the held-out videos."""
        rows, columns = self._shape[1:]
        if (rows, columns) != (size, size):
            raise BadInput(
                f"scene.path={self.path}: frames of {rows} x {columns} pixels; allowed: {size} x {size}, by size={size}"
            )
        for name, of in self._parts.items():
            if not len(of):
                raise BadInput(f"scene.held_out (scene.path={self.path}): no video for {name}; allowed: one or more")
        if judged > len(self._parts["judging"]):
            raise BadInput(
                f"judged={judged} (scene.path={self.path}): allowed: at most {len(self._parts['judging'])}, the "
                "held-out videos"
            )
        for name, of in self._parts.items():
            if (of == of[:1, :1]).all():
                raise BadInput(
                    f"scene.path={self.path}: all frames for {name} are the same; allowed: videos that change"
                )

    def videos(self, count: int, frames: int, dt: float, size: int, generator: torch.Generator) -> Tensor:
        """Pieces, each from any frame of any video of the training part."""
        own = self._parts["training"]
        which = torch.randint(len(own), (count,), generator=generator)
        begins = torch.randint(own.shape[1] - frames + 1, (count,), generator=generator)
        times = begins.unsqueeze(1) + torch.arange(frames)
        return _scaled(own[which.unsqueeze(1).numpy(), times.numpy()])

    def film(self, count: int, before: int, after: int, dt: float, size: int, generator: torch.Generator) -> Film:
        """The first so many frames of some of the others."""
        own = self._parts["judging"]
        which = torch.randperm(len(own), generator=generator)[:count]
        return Film(_scaled(own[which.numpy(), : before + after + 1]), before, 1, None)


def _array(path: str) -> np.ndarray:
    """(videos, frames, rows, columns); raises BadInput."""
    wanted = "allowed: an array (videos, frames, rows, columns) that numpy.save wrote"
    try:
        with Path(path).expanduser().open("rb") as file:
            found = np.load(file, allow_pickle=False)
    except OSError as error:
        raise BadInput(f"scene.path={path}: cannot be read: {error.strerror or error}; {wanted}") from None
    except (ValueError, EOFError, BadZipFile) as error:
        raise BadInput(f"scene.path={path}: {error}; {wanted}") from None
    if not isinstance(found, np.ndarray) or found.ndim != 4 or 0 in found.shape or found.dtype.kind not in "uif":
        what = f"{found.dtype} of shape {found.shape}" if isinstance(found, np.ndarray) else "several arrays"
        raise BadInput(f"scene.path={path}: {what}; {wanted}, numbers")
    most = 1 if found.dtype.kind == "f" else BRIGHTEST
    wrong = ~((found >= 0) & (found <= most))  # also what is not finite
    if wrong.any():
        video, frame, row, column = (int(k) for k in np.argwhere(wrong)[0])
        at = f"video {video}, frame {frame}, row {row}, column {column}"
        raise BadInput(
            f"scene.path={path}: {at}: {found[video, frame, row, column]}; allowed: a finite number of 0 to {most}"
        )
    return found


def _scaled(found: np.ndarray) -> Tensor:
    most = 1 if found.dtype.kind == "f" else BRIGHTEST
    return torch.from_numpy(found.astype(np.float32) / most).flatten(2)
