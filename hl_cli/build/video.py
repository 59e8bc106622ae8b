"""From the config of task=video to a scene, arms and budgets."""

from __future__ import annotations

import math
from typing import Any, cast

import torch
from omegaconf import DictConfig, OmegaConf

from hl_cli.config import registry, validation
from hl_cli.config.video import ARMS, Video
from hl_cli.errors import BadInput
from hl_cli.learners.device import use_device
from hl_cli.video.arms import Arm, arms
from hl_cli.video.model import Sizes
from hl_cli.video.scenes.base import Scene
from hl_cli.video.study import Data
from hl_cli.video.training import Plan

PARTS = 3  # of the frames beside those of training, one lies before them


def video_of(cfg: DictConfig) -> tuple[Data, list[Arm], Plan]:
    """Check a config; raises BadInput for what it cannot mean."""
    validation.check(cfg)
    typed = cast(Video, cfg)
    names = _names(typed)
    if typed.shown > typed.frames:
        raise BadInput(f"shown={typed.shown}: allowed: at most frames={typed.frames}, those of a training video")
    scene = _scene(cfg)
    scene.check(typed.size, typed.judged)
    back, horizon = _span(typed, scene)
    device = use_device(typed.device, typed.dtype, typed.threads)
    dt = scene.dt if typed.dt is None else typed.dt
    sizes = Sizes(
        typed.size**2, typed.shown, typed.code, typed.positions or scene.n, typed.hidden, typed.units
    )  # fmt: skip
    data = Data(
        scene, dt, typed.size, typed.videos, typed.frames, typed.judged, back, horizon, sizes, typed.seeds, typed.seed,
        getattr(torch, typed.dtype), device,
    )  # fmt: skip
    omega = 2 * math.pi / (typed.frames * dt)  # a period is a training video
    plan = Plan(
        typed.steps, typed.batch_size, typed.lr, typed.clip, typed.kl_weight, dt,
        min(typed.decoded or typed.frames, typed.frames),
    )  # fmt: skip
    return data, arms(names, omega), plan


def _scene(cfg: DictConfig) -> Scene:
    option = registry.choice_of(OmegaConf.get_type(cfg.scene))
    assert option is not None
    options: Any = OmegaConf.to_container(cfg.scene)
    made: Scene = option.load()(**{str(key): value for key, value in options.items() if key != "name"})
    return made


def _names(cfg: Video) -> list[str]:
    chosen = list(cfg.arms or ARMS)
    for name in chosen:
        if name not in ARMS or chosen.count(name) > 1:
            raise BadInput(f"arms={chosen}: {name}: allowed: {', '.join(ARMS)}, each once")
    return chosen


def _span(cfg: Video, scene: Scene) -> tuple[int, int]:
    """Frames of a rollout, back in time and forward."""
    there, frames = scene.length(), cfg.frames
    if there is not None and frames > there:
        raise BadInput(f"frames={frames} (scene={cfg.scene.name}): allowed: at most {there}, those of a video")
    back, horizon = cfg.back, cfg.horizon
    if back is None:
        back = frames if there is None else min(frames, (there - (horizon or frames)) // PARTS)
        back = max(0, back)
    if horizon is None:
        horizon = PARTS * frames if there is None else there - back
    if horizon < frames:
        raise BadInput(f"horizon={horizon}: allowed: at least frames={frames}, those of a training video")
    if there is not None and back + horizon > there:
        raise BadInput(
            f"back={back}, horizon={horizon} (scene={cfg.scene.name}): {back + horizon} frames; allowed: at most "
            f"{there} in all, those of a video"
        )
    return back, horizon
