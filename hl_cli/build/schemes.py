"""From a scheme's config to the HL learner that runs it; a scheme is a line in SCHEMES."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf

from hl_cli import config
from hl_cli.build.coefficients import coefficients
from hl_cli.build.device import check_device
from hl_cli.build.steering import steered
from hl_cli.credit.costate import Costate
from hl_cli.dynamics.equivalence import Coefficients
from hl_cli.dynamics.rules import RULES
from hl_cli.errors import BadInput, NoSuchCombination
from hl_cli.learners.compiled import CompiledForward
from hl_cli.learners.data_parallel import DataParallel
from hl_cli.learners.hamiltonian import HamiltonianLearner
from hl_cli.learners.local import Local
from hl_cli.learners.passing import Blockwise, Wave
from hl_cli.networks.cuts import Cut
from hl_cli.networks.losses import Loss
from hl_cli.networks.splits import Split
from hl_cli.parallel.world import World

LATE = "scheme=local is another method: costates arrive late; compare the curves"
Arm = HamiltonianLearner | Blockwise | Local


def _global(cfg: DictConfig, world: World, what: dict[str, Any]) -> HamiltonianLearner:
    if cfg.parallel == "data":
        if cfg.batch_size % world.size:
            raise BadInput(
                f"batch_size={cfg.batch_size}: {world.size} processes take a part each; allowed: a multiple of that"
            )
        if cfg.memory == "reverse":
            raise NoSuchCombination("memory=reverse: allowed with parallel=data: store, segments, recompute")
        return DataParallel(**what, memory=cfg.memory, anchor_every=cfg.anchor_every, world=world)
    if world.size > 1:
        raise BadInput(f"scheme=global in {world.size} processes: allowed: scheme=blocks, local, wave; parallel=data")
    return HamiltonianLearner(**what, memory=cfg.memory, anchor_every=cfg.anchor_every)


def _staged(cfg: DictConfig, world: World, what: dict[str, Any]) -> Blockwise | Local:
    if cfg.parallel is not None:
        raise NoSuchCombination(
            f"parallel={cfg.parallel}: scheme={cfg.scheme.name} has its own; allowed: scheme=global"
        )
    if cfg.memory != "recompute":
        raise NoSuchCombination(
            f"memory={cfg.memory}: blocks of a feed-forward net have no ticks to keep; allowed with "
            f"scheme={cfg.scheme.name}: recompute"
        )
    devices = list(cfg.scheme.devices or ())
    for device in devices:
        check_device(device, cfg.dtype, "scheme.devices")
    place: dict[str, Any] = {"cut": _cut(cfg.scheme.blocks), "devices": devices, "world": world}
    if OmegaConf.get_type(cfg.scheme) is config.Local:
        return Local(**what, **place, stash=cfg.scheme.stash)
    return (Wave if OmegaConf.get_type(cfg.scheme) is config.Wave else Blockwise)(**what, **place)


def _cut(blocks: Any) -> Cut:
    """Check what a config says of the blocks."""
    numbers = list(blocks) if isinstance(blocks, ListConfig) else [blocks]
    if blocks is not None and not all(type(number) is int for number in numbers):
        raise BadInput(f"scheme.blocks={blocks}: allowed: null, a whole number, or a list of whole numbers")
    return numbers if isinstance(blocks, ListConfig) else blocks


def _forward(cfg: DictConfig, world: World, what: dict[str, Any]) -> HamiltonianLearner:
    if world.size > 1 or cfg.parallel is not None:
        raise BadInput("scheme=forward: allowed in one process")
    s = cfg.scheme
    if s.rate is not None and not s.rate * cfg.tau <= 1.0:
        raise BadInput(f"scheme.rate={s.rate} (tau={cfg.tau:g}): allowed: up to 1/tau, {1 / cfg.tau:g}")
    what["coefficients"] = replace(what["coefficients"], rate=s.rate)
    own = {name: s[name] for name in ("eta_z", "sign", "reset", "carry", "rise")}
    return (CompiledForward if cfg.compile else HamiltonianLearner)(**what, credit=Costate, **own)


def _forward_reason(cfg: DictConfig) -> str:
    """Only with zeroed costates, and against truncated BPTT with window 1, is it meant to be SGD."""
    s = cfg.scheme
    plain = (s.rate, s.sign, s.rise, cfg.integrator.name) == (None, -1, 0, "semi_implicit_euler")
    if not s.carry and plain and cfg.pytorch.window in (1, None):
        return ""
    return "forward credit is a method of its own: compare the curves, not the weights"


Reason = Callable[[DictConfig], str]
# config -> (what builds the learner, why it is another method than SGD, or nothing where it is not)
SCHEMES: dict[type[config.Scheme], tuple[Callable[..., Arm], str | Reason]] = {
    config.Global: (_global, ""),
    config.Blocks: (_staged, ""),
    config.Wave: (_staged, ""),
    config.Local: (_staged, LATE),
    config.Forward: (_forward, _forward_reason),
}


def hl_learner(cfg: DictConfig, split: Split, loss: Loss, physics: Coefficients, world: World) -> Arm:
    """Build the HL arm over a split net of its own, steered as the config says."""
    if cfg.compile and OmegaConf.get_type(cfg.scheme) is not config.Forward:
        raise BadInput(f"compile=true (scheme={cfg.scheme.name}): allowed: scheme=forward")
    if cfg.compile and cfg.device != "cpu":
        raise BadInput(f"compile=true (device={cfg.device}): allowed: device=cpu")
    what = {
        "split": split,
        "loss": loss,
        "coefficients": physics,
        "rule": RULES[cfg.integrator.name],
    }
    learner = _of(cfg)[0](cfg, world, what)
    return steered(cfg, learner, coefficients(cfg.scenario, cfg.tau, cfg.dtype)[1].lr)


def note_of(hl: Arm) -> str:
    """What a user should know of the scheme before the run."""
    if isinstance(hl, CompiledForward):
        return (
            f"; the tick is compiled, another arithmetic: after some ticks from the start it is {hl.gap:.1g} from the "
            "eager one, by the largest element, so expect round-off at best"
        )
    if isinstance(hl, DataParallel) and hl.world.size > 1:
        return f"; {hl.world.size} parts of a batch are summed in another order than the whole, so expect round-off"
    if not isinstance(hl, Local):
        return ""
    late = f"; HL says of a sample what it is {hl.depth - 1} steps later" if hl.depth > 1 else ""
    if hl.stash:
        return f"{late}; costates meet their own inputs, at the weights of now"
    ticks = 2 * hl.depth
    return (
        f"{late}; costates meet inputs up to {ticks - 1} steps newer than their own: scheme.stash=true, or hold={ticks}"
    )


def another_method(cfg: DictConfig) -> str:
    """Why the HL arm is not meant to equal SGD; nothing where it is."""
    reason = _of(cfg)[1]
    return reason if isinstance(reason, str) else reason(cfg)


def _of(cfg: DictConfig) -> tuple[Callable[..., Arm], str | Reason]:
    kind: Any = OmegaConf.get_type(cfg.scheme)
    return SCHEMES[kind]
