"""Where a run stands: all that its next step, its files and its end depend on, as one content of a checkpoint."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig, ListConfig, OmegaConf

from hl_cli import __version__
from hl_cli.building import Comparison
from hl_cli.compare.pairs import Pairs
from hl_cli.compare.rest import Rest
from hl_cli.compare.runaway import Runaway
from hl_cli.compare.tally import Tally
from hl_cli.errors import BadInput
from hl_cli.parallel import launched
from hl_cli.parallel.order import Order
from hl_cli.parallel.world import World
from hl_cli.reporting import tensorboard
from hl_cli.reporting.predictions import FILE as PREDICTIONS
from hl_cli.reporting.predictions import Predictions
from hl_cli.reporting.tables import Tables
from hl_cli.reporting.tensorboard import TensorBoard
from hl_cli.reporting.thousands import FILE as THOUSANDS
from hl_cli.reporting.thousands import Thousands
from hl_cli.unresolved import Hidden


@dataclass(frozen=True)
class Standing:
    """The parts of a run that remember."""

    cfg: DictConfig
    built: Comparison
    tally: Tally
    pairs: Pairs
    runaway: Runaway
    tables: Tables
    thousands: Thousands
    board: TensorBoard
    world: World
    predictions: Predictions | None = None

    def state_dict(self, here: Rest) -> dict[str, Any]:
        """Everything, in plain values and tensors. A learner that has diverged takes no part any more."""
        arms: dict[str, Any] = {arm.name: arm for arm in self.built.learners}
        hide = Hidden(self.cfg)
        return {
            "config": hide(plain(self.cfg)),
            "environment": hide.digests(),
            "versions": _versions(),
            "processes": launched(),
            "rest": here.state_dict(),
            "stream": self.built.stream.state_dict(),
            "learners": {name: arms[name].state_dict() for name in here.alive},
            "followers": self._followers(),
            "buffers": {
                name: {key: b.clone() for key, b in arm.split.module.named_buffers()}
                for name, arm in arms.items()
                if hasattr(arm, "split")
            },
            "drift": {name: arm.drift for name, arm in arms.items() if hasattr(arm, "drift")},
            "seconds": {name: arm.seconds for name, arm in arms.items()},
            "random": torch.get_rng_state(),
            "random_cuda": torch.cuda.get_rng_state_all() if self.cfg.device.startswith("cuda") else [],
            "tally": self.tally.state_dict(),
            "differences": self.pairs.state_dict(),
            "runaway": self.runaway.state_dict(),
            "tables": self.tables.state_dict(),
            "thousands": self.thousands.state_dict(),
            "tensorboard": self.board.state_dict(),
            "predictions": self.predictions and self.predictions.state_dict(),
        }

    def _followers(self) -> list[Any]:
        """Where the other processes are in the stream, which each reads for itself, and in their random numbers."""
        self.world.lead(Order.WHERE)
        return self.world.collect(None)[1:]

    def load_state_dict(self, state: dict[str, Any]) -> Rest:
        """Go there; tables and board were opened there already. Raises BadInput where a learner is another one."""
        arms: dict[str, Any] = {arm.name: arm for arm in self.built.learners}
        try:
            for name, buffers in state["buffers"].items():
                for key, buffer in arms[name].split.module.named_buffers():
                    buffer.copy_(buffers[key])
            for name, of in state["learners"].items():
                arms[name].load_state_dict(of)
            self.world.lead(Order.MOVE)
            self.world.hand_out(state["followers"])
            self.built.stream.load_state_dict(state["stream"])
        except (RuntimeError, KeyError, ValueError) as error:  # of a model or a stream of the user's, changed since
            raise BadInput(f"the checkpoint is of another net or stream: {' '.join(str(error).split())}") from error
        for name, drift in state["drift"].items():
            arms[name].drift = drift
        for name, arm in arms.items():
            arm.seconds = state["seconds"][name]
        self.tally.load_state_dict(state["tally"])
        self.pairs.load_state_dict(state["differences"])
        self.runaway.load_state_dict(state["runaway"])
        torch.set_rng_state(state["random"])
        if state["random_cuda"]:
            torch.cuda.set_rng_state_all(state["random_cuda"])
        return Rest.of(state["rest"])


def files_of(state: dict[str, Any]) -> dict[str, int]:
    """The files that a run goes on with, by their path in its folder, and how many of their bytes it keeps."""
    events = state["tensorboard"]["files"].items()
    tables = state["tables"] | {THOUSANDS: state["thousands"]["bytes"]}
    if state.get("predictions"):
        tables[PREDICTIONS] = state["predictions"]["bytes"]
    return tables | {f"{tensorboard.FOLDER}/{learner}/{name}": size for learner, (name, size) in events}


def check(state: dict[str, Any], cfg: DictConfig, folder: Path, free: tuple[str, ...]) -> str:
    """Raise BadInput unless a run of this config can go on there, with the files in the folder.

    free: fields that may have changed. Returns a warning, or nothing.
    """
    differing(state["config"], cfg, "the checkpoint", free)
    if changed := Hidden(cfg).changed(state.get("environment", {})):
        raise BadInput(f"{changed}: the variable is another one than at the checkpoint, or gone")
    if state["processes"] != launched():
        raise BadInput(f"the checkpoint is of {state['processes']} processes, and here are {launched()}")
    for name, size in files_of(state).items():
        there = (folder / name).stat().st_size if (folder / name).is_file() else 0
        if there < size:
            raise BadInput(f"{name} has {there} bytes, and had {size} at the checkpoint")
    before, now = state["versions"], _versions()
    other = [f"{name} was {before.get(name)} and is {now[name]}" for name in now if before.get(name) != now[name]]
    return f"{', '.join(other)}: the bits may be others" if other else ""


def differing(before: dict[str, Any], cfg: DictConfig, whose: str, free: tuple[str, ...]) -> None:
    """Raise BadInput for the first field that differs from the config of `whose`."""
    then, now = _flat(before), _flat(Hidden(cfg)(plain(cfg)))
    for name in dict.fromkeys((*then, *now)):
        if name.partition(".")[0] not in free and then.get(name) != now.get(name):
            raise BadInput(f"{name}={now.get(name)}, and in the config of {whose} {then.get(name)}")


def plain(cfg: DictConfig | ListConfig) -> dict[str, Any]:
    """A config without types."""
    return OmegaConf.to_container(cfg, resolve=True)  # type: ignore[return-value]


def _flat(values: dict[str, Any], where: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{where}{key}"
        found |= _flat(value, f"{name}.") if isinstance(value, dict) and value else {name: value}
    return found


def why_never(built: Comparison) -> str:
    """Why a run cannot have checkpoints: a stream of the user's need not say where it is."""
    try:
        memory = io.BytesIO()
        torch.save(built.stream.state_dict(), memory)
        torch.load(io.BytesIO(memory.getvalue()), weights_only=True)
    except Exception as error:
        return " ".join(str(error).split())[:200]
    return ""


def _versions() -> dict[str, str]:
    return {"hl-run": __version__, "torch": str(torch.__version__)}
