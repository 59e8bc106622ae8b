"""What summary, report and console say of a run beside its results."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from omegaconf import DictConfig

from hl_cli.building import Comparison
from hl_cli.parallel import launched
from hl_cli.resume import CONFIG


def about_run(cfg: DictConfig, built: Comparison, command: str) -> dict[str, Any]:
    """Names, numbers and notes of a run, known before its first step; what comes out of it is put in later."""
    return {
        "stream": asdict(built.stream.describe()),
        "tasks": list(built.stream.held_out_tasks()),
        "loss": built.loss,
        "model": cfg.model.name,
        "split": cfg.split.name,
        "scenario": cfg.scenario.name,
        "scheme": cfg.scheme.name,
        "integrator": cfg.integrator.name,
        "memory": getattr(built.hl, "memory", None),
        "anchor_every": cfg.anchor_every,
        "drift": None,
        "hold": cfg.hold,
        "parallel": cfg.parallel,
        "processes": launched(),
        "pipeline": [],
        "weights": sum(w.numel() for w in built.pytorch.weights().values()),
        "coefficients": {
            **{k: v for k, v in asdict(built.physics).items() if k != "rate"},
            **{k: v for k, v in asdict(built.sgd).items() if k != "weight_decay"},
        },
        "baseline": built.baseline,
        "runaway": {},
        "free_run": None,
        "feed": cfg.feed,
        "note": built.note,
        "batch_size": cfg.batch_size,
        "seed": cfg.seed,
        "threads": cfg.threads,
        "dtype": cfg.dtype,
        "device": cfg.device,
        "expect": cfg.expect,
        "interrupted": None,
        "command": command,
        "config": CONFIG,
    }
