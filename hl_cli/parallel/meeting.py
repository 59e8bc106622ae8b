"""How the processes of a run find one another: torchrun tells each, in its environment, who it is and where to meet."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist

from hl_cli.errors import BadInput
from hl_cli.parallel import launched, rank
from hl_cli.parallel.world import PATIENCE, World

TOLD = ("RANK", "MASTER_ADDR", "MASTER_PORT")


def meet() -> World:
    """Meet the others; without torchrun, nobody. Raises BadInput for an environment that torchrun did not make."""
    if launched() == 1:
        return World()
    unsaid = [name for name in TOLD if name not in os.environ]
    if unsaid:
        raise BadInput(
            f"WORLD_SIZE={launched()} in the environment without {', '.join(unsaid)}; allowed: a start by torchrun "
            "--nproc-per-node N -m hl_cli, or no WORLD_SIZE"
        )
    store: Any
    store, *_ = next(dist.rendezvous("env://", timeout=timedelta(minutes=5)))
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "cpu:gloo"
    dist.init_process_group(
        backend, store=dist.PrefixStore("hl", store), rank=rank(), world_size=launched(), timeout=PATIENCE
    )
    return World(rank(), launched(), store)
