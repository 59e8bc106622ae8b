"""Run by torchrun: trains each config that it is given over all processes and saves the weights of each."""

from __future__ import annotations

import copy
import io
import json
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from hydra import compose, initialize_config_module
from torch import nn

from hl_cli import config
from hl_cli.build import Comparison, comparison
from hl_cli.config.plugins import translate
from hl_cli.errors import NonFinite
from hl_cli.parallel import rank
from hl_cli.parallel.rendezvous import rendezvous
from hl_cli.parallel.world import World
from hl_cli.runs.worker import follow

BURST = 7  # steps that are announced at once, as a run does


def trained(world: World, overrides: list[str], steps: int, resumed: bool = False) -> dict[str, Any]:
    """Weights, losses and physics after so many steps; resumed: halfway, others take over; one alone goes on."""
    with initialize_config_module("hl_cli.configs", version_base="1.3"):
        cfg = compose("run", overrides=translate(overrides))
    built = comparison(cfg, world)
    world.enlist(cfg)
    losses: list[float | None] = []
    half, state = steps // 2 if resumed else 0, None
    if resumed:
        with world.leading():
            advance(built, half, losses)
            state = kept(built.hl)
        if world.size > 1:
            built = comparison(cfg, world)
            world.enlist(cfg)
    with world.leading():
        if resumed and world.size > 1:
            take_over(built, state, half)
        try:
            physics = advance(built, steps - half, losses, observe=True)
        except NonFinite as stop:
            return {"fault": f"{stop} at {len(losses)}", "losses": losses}
        y = built.hl.predict(built.stream.held_out().inputs)
        weights = {name: w.clone() for name, w in built.hl.weights().items()}
        return {"weights": weights, "losses": losses, "physics": physics, "y": y, "state": state}


def advance(built: Comparison, steps: int, losses: list[float | None], observe: bool = False) -> Any:
    """Take so many steps, note the losses, and return the physics of the last if that is to be observed."""
    for start in range(0, steps, BURST):
        count = min(BURST, steps - start)
        last = observe and start + count == steps
        built.hl.expect(count, last)
        for k, sample in enumerate(islice(built.stream, count), start=1):
            record = built.hl.step(sample, last and k == count)
            losses.append(record.loss)
    return record.physics and vars(record.physics)


def normalised(features: int, ticks: int, outputs: int, every: bool) -> nn.Sequential:
    """A net with buffers: running means that are seen in evaluation alone."""
    layers = [nn.Sequential(nn.Linear(features, 8), nn.BatchNorm1d(8), nn.Tanh())]
    layers += [nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.Tanh()) for _ in range(2)]
    return nn.Sequential(nn.Flatten(), *layers, nn.Linear(8, outputs))


def kept(hl: Any) -> Any:
    """The state of a learner as a file brings it back."""
    file = io.BytesIO()
    torch.save(hl.state_dict(), file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def take_over(built: Comparison, state: Any, steps: int) -> None:
    """Go on after so many steps. Before it, they were gone with weights that are to be forgotten, messages and all."""
    other = copy.deepcopy(state)
    for part in other.get("stages", [other]):
        part["theta"] = {k: w / 2 for k, w in part["theta"].items()} if part is other else part["theta"] / 2
    built.hl.load_state_dict(other)
    advance(built, steps, [])
    built.hl.load_state_dict(state)


def main() -> int:
    if rank() > 0:
        return follow()
    config.register()
    world = rendezvous()
    jobs = json.loads(sys.argv[1])
    torch.save([trained(world, **job) for job in jobs], Path(sys.argv[2]))
    world.broadcast(None)
    world.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
