"""Run by torchrun: trains each config that it is given over all processes and saves the weights of each."""

from __future__ import annotations

import json
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from hydra import compose, initialize_config_module

from hl_cli import schema
from hl_cli.building import comparison
from hl_cli.errors import NonFinite
from hl_cli.follow import follow
from hl_cli.parallel import rank
from hl_cli.parallel.world import World


def trained(world: World, overrides: list[str], steps: int, resumed: bool = False) -> dict[str, Any]:
    """Weights, losses and physics after so many steps; resumed: halfway, all is saved and loaded into a new learner."""
    with initialize_config_module("hl_cli.configs", version_base="1.3"):
        cfg = compose("run", overrides=overrides)
    built = comparison(cfg, world)
    world.enlist(cfg)
    losses, hl = [], built.hl
    with world.leading():
        for k, sample in enumerate(islice(built.stream, steps)):
            try:
                record = hl.step(sample, observe=k == steps - 1)
            except NonFinite as stop:
                return {"fault": f"{stop} at {k}", "losses": losses}
            losses.append(record.loss)
            if resumed and k == steps // 2:
                state = hl.state_dict()
                for stage in hl.stages:  # type: ignore[union-attr]
                    stage.phase.theta.zero_()
                hl.load_state_dict(state)
        y = hl.predict(built.stream.held_out().inputs)
        weights = {name: w.clone() for name, w in hl.weights().items()}
        return {"weights": weights, "losses": losses, "physics": record.physics and vars(record.physics), "y": y}


def main() -> int:
    if rank() > 0:
        return follow()
    schema.register()
    world = World()
    jobs = json.loads(sys.argv[1])
    torch.save([trained(world, **job) for job in jobs], Path(sys.argv[2]))
    world.hand_out(None)
    world.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
