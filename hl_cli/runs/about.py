"""What summary, report and console say of a run beside its results."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from hl_cli.build import Comparison
from hl_cli.build.steering import said
from hl_cli.compare.arm import Arm
from hl_cli.config import Run
from hl_cli.parallel import launched
from hl_cli.runs.resume import CONFIG


def about_run(cfg: Run, built: Comparison, command: str) -> dict[str, Any]:
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
        "steering": said(cfg),
        "checkpointing": cfg.checkpointing,
        "anchor_every": cfg.anchor_every,
        "drift": None,
        "hold": cfg.hold,
        "parallel": cfg.parallel,
        "processes": launched(),
        "pipeline": [],
        "weights": weights_of(next(iter(built.arms.values()))),
        "coefficients": _coefficients(built.theory),
        "baseline": built.baseline,
        "labels": built.labels,
        "arm_notes": {
            name: {
                "kind": arm.kind,
                "described": arm.described,
                "another_method": arm.another_method,
                "coefficients": _coefficients(arm) if arm.coefficients else None,
                "weights": weights_of(arm),
                "drift": None,
                "replayed": None,
            }
            for name, arm in built.arms.items()
        },
        "runaway": {},
        "observed": [],
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
        "ended_early": None,
        "resumed": [],
        "command": command,
        "config": CONFIG,
    }


def weights_of(arm: Arm) -> int:
    """How many weights an arm has."""
    return sum(w.numel() for w in arm.learner.weights().values())


def _coefficients(arm: Arm) -> dict[str, Any] | None:
    """HL's numbers and those of the SGD that equals it; None for an arm without any."""
    if arm.sgd is None:
        return None
    physics = {} if arm.coefficients is None else asdict(arm.coefficients)
    return {
        **{k: v for k, v in physics.items() if k != "rate" and v is not False},
        **{k: v for k, v in arm.sgd.options.items() if arm.coefficients is None or k != "weight_decay"},
    }
