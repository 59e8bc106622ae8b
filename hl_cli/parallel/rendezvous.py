"""How the processes of a run find one another: torchrun tells each, in its environment, who it is and where to meet."""

from __future__ import annotations

import os
import socket
import sys
from datetime import timedelta
from ipaddress import ip_address
from typing import Any

import torch
import torch.distributed as dist

from hl_cli.errors import BadInput
from hl_cli.parallel import launched, number, rank
from hl_cli.parallel.world import PATIENCE, World

TOLD = ("RANK", "MASTER_ADDR", "MASTER_PORT")
WAIT = timedelta(minutes=5)  # for the others to come


def rendezvous() -> World:
    """Meet the others; without torchrun, nobody. Raises BadInput for an environment that torchrun did not make."""
    if launched() == 1:
        return World()
    unsaid = [name for name in TOLD if name not in os.environ]
    if unsaid:
        raise BadInput(
            f"WORLD_SIZE={launched()} in the environment without {', '.join(unsaid)}; allowed: a start by torchrun "
            "--nproc-per-node N -m hl_cli, or no WORLD_SIZE"
        )
    address = os.environ["MASTER_ADDR"]
    if _is_loopback(address):  # no other machine is concerned
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo0" if sys.platform == "darwin" else "lo")
    ours = os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True"
    store = _store(address, ours)
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "cpu:gloo"
    dist.init_process_group(
        backend, store=dist.PrefixStore("hl", store), rank=rank(), world_size=launched(), timeout=PATIENCE
    )
    return World(rank(), launched(), store, 0 if ours else None)


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(socket.gethostbyname(address)).is_loopback
    except OSError:
        return False


def _store(address: str, ours: bool) -> Any:
    """The launcher's store, or rank 0's own where the launcher has none: that listens at the one address alone."""
    port = number("MASTER_PORT", "")
    if not ours or rank() > 0:
        return dist.TCPStore(address, port, launched(), False, WAIT)
    try:
        listening = socket.create_server((address, port))
    except OSError as error:
        raise BadInput(f"MASTER_ADDR={address}, MASTER_PORT={port}: {error.strerror}; allowed: a free one") from error
    return dist.TCPStore(address, port, launched(), True, WAIT, False, master_listen_fd=listening.detach())
