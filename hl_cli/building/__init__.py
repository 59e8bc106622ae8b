"""From config to objects: the only place that sees both. Each choice is a line in a table."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from omegaconf import DictConfig

from hl_cli import validation
from hl_cli.building.coefficients import coefficients
from hl_cli.building.device import use_device
from hl_cli.building.free_run import check_free_run
from hl_cli.building.models import net, split
from hl_cli.building.pytorch import another_baseline, named, pytorch_learner
from hl_cli.building.schemes import Arm, another_method, hl_learner, note_of
from hl_cli.building.streams import stream_of
from hl_cli.compare.free_run import Tick
from hl_cli.compare.metrics import Measure
from hl_cli.compare.schedule import Schedule
from hl_cli.dynamics.equivalence import SGD, Coefficients
from hl_cli.errors import BadInput
from hl_cli.learners.compiled import CompiledForward
from hl_cli.learners.pytorch import PyTorchLearner
from hl_cli.networks.losses import loss_of
from hl_cli.parallel.world import World
from hl_cli.streams.base import Stream
from hl_cli.streams.held import Held


@dataclass(frozen=True)
class Comparison:
    """All that a run needs, built; fresh_stream and fresh_pytorch start again from the very beginning."""

    stream: Stream
    hl: Arm
    pytorch: PyTorchLearner
    measure: Measure
    schedule: Schedule
    physics: Coefficients
    sgd: SGD
    loss: str
    note: str
    another_method: str
    baseline: str
    alone: Callable[[], dict[str, Tick]]
    fresh_stream: Callable[[], Stream]
    fresh_pytorch: Callable[[], PyTorchLearner]


def comparison(cfg: DictConfig, world: World | None = None) -> Comparison:
    """Check and build everything; raises BadInput before anything is written. world: the processes of the run."""
    validation.check(cfg)
    physics, sgd, note = coefficients(cfg.scenario, cfg.tau, cfg.dtype)
    if cfg.integrator.name == "explicit_euler":
        note += "; the explicit order is another method than SGD, so expect a difference"
    device = use_device(cfg.device, cfg.dtype, cfg.threads)
    dtype = getattr(torch, cfg.dtype)

    def fresh_stream() -> Stream:
        stream = stream_of(cfg.stream, cfg.batch_size, cfg.seed, dtype, device)
        return stream if cfg.hold == 1 else Held(stream, cfg.hold)

    stream = fresh_stream()
    schedule, shorter = _schedule(cfg, stream)
    loss, outputs = loss_of(stream.task, cfg.loss)
    measure = Measure(stream.task, loss, stream.held_out().baseline is not None)
    torch.manual_seed(cfg.seed)
    start = net(cfg.model, stream, outputs).to(device, dtype)  # drawn in float32 for every dtype

    def fresh_pytorch() -> PyTorchLearner:
        return pytorch_learner(cfg, copy.deepcopy(start), measure.loss, sgd)

    check_free_run(cfg, stream, outputs)
    own = split(cfg.model, cfg.split.name, copy.deepcopy(start), device, stream.task.counts == "every")
    hl, pytorch = hl_learner(cfg, own, measure.loss, physics, world or World()), fresh_pytorch()
    if isinstance(hl, CompiledForward):
        hl.compile(next(fresh_stream()))
    return Comparison(
        stream=stream,
        hl=hl,
        pytorch=pytorch,
        measure=measure,
        schedule=schedule,
        physics=physics,
        sgd=sgd,
        loss=loss,
        note=note + shorter + note_of(hl),
        another_method=another_baseline(cfg, sgd) or another_method(cfg),
        baseline=named(cfg.pytorch, sgd),
        alone=lambda: {name: arm.alone() for name, arm in (("hl", hl), ("pytorch", pytorch)) if hasattr(arm, "alone")},
        fresh_stream=fresh_stream,
        fresh_pytorch=fresh_pytorch,
    )


def _schedule(cfg: DictConfig, stream: Stream) -> tuple[Schedule, str]:
    """When to look, and a word where the stream ends before the steps do."""
    steps, shorter = cfg.steps, ""
    if stream.length is not None and stream.length < steps:
        if not stream.length:
            raise BadInput(f"batch_size={cfg.batch_size}: the stream has not enough samples for one batch")
        steps = stream.length
        shorter = f"; the stream ends after {steps} of the {cfg.steps} steps"
    return Schedule(steps, cfg.log_every, cfg.eval_every, stream.period, stream.blend), shorter
