"""Where a run stands: all that its next step, its files and its end depend on, as one content of a checkpoint."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from omegaconf import DictConfig
from torch import Tensor

from hl_cli.build import Comparison
from hl_cli.build.observers import BEGUN_LATER
from hl_cli.compare.observer import Observer
from hl_cli.compare.pairs import Pairs
from hl_cli.compare.probe import net_of
from hl_cli.compare.resume_point import ResumePoint
from hl_cli.config.unresolved import Hidden
from hl_cli.errors import BadInput, LostRank
from hl_cli.networks.attributes import Attributes, CannotSave
from hl_cli.parallel import launched
from hl_cli.parallel.command import Command
from hl_cli.parallel.world import World
from hl_cli.runs.provenance import MadeWith
from hl_cli.runs.same_run import plain
from hl_cli.streams import chance


@dataclass(frozen=True)
class RunState:
    """The parts of a run that remember."""

    cfg: DictConfig
    built: Comparison
    pairs: Pairs
    observers: dict[str, Observer]
    world: World
    made_with: MadeWith
    resumed: list[dict[str, Any]]
    attributes: dict[str, Attributes]

    def state_dict(self, here: ResumePoint) -> dict[str, Any]:
        """Everything, in plain values and tensors. A learner that has diverged takes no part any more.

        Raises CannotSave where a net of the user's, or a stream, holds what cannot be saved.
        """
        attributes = self.outside()
        arms: dict[str, Any] = {arm.name: arm for arm in self.built.learners}
        return {
            **self._config,
            "made_with": self.made_with,
            "resumed": self.resumed,
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
            "attributes": attributes,
            "chance": chance.state_dict(),
            "draws": None if here.begun is None else self.built.draws.state_dict(),
            "differences": self.pairs.state_dict(),
            **{name: observer.state_dict() for name, observer in self.observers.items()},
        }

    @cached_property
    def _config(self) -> dict[str, Any]:
        """It stays, and reading it takes longer than many steps."""
        hide = Hidden(self.cfg)
        return {"config": hide(plain(self.cfg)), "environment": hide.digests()}

    def outside(self) -> dict[str, Any]:
        """What the nets hold outside their state_dict(); raises CannotSave."""
        return {name: of.state_dict() for name, of in self.attributes.items()}

    def _followers(self) -> list[Any]:
        """Where the other processes are in the stream, which each reads for itself, in chance, and in their nets."""
        self.world.lead(Command.WHERE)
        found = self.world.gather_objects(None)[1:]
        for fault in (said for said in found if isinstance(said, str)):
            raise CannotSave(fault)
        return found

    def load_state_dict(self, state: dict[str, Any]) -> ResumePoint:
        """Go there; files were opened there already. Raises BadInput where a part of it is another one."""
        with one_net():
            put_back(self.built, self.attributes, state)
            self.world.lead(Command.MOVE)
            self.world.broadcast(state["followers"])
            self.pairs.load_state_dict(state["differences"])
            for name, observer in self.observers.items():
                if name in state or name not in BEGUN_LATER:
                    observer.load_state_dict(state[name])
            chance.load_state_dict(state["chance"])  # after all that may draw
            here = ResumePoint.of(state["rest"])
            if here.begun is not None:
                self.built.draws.load_state_dict(state["draws"])
            return here


def put_back(built: Comparison, attributes: dict[str, Attributes], state: dict[str, Any]) -> None:
    """Bring learners and stream to where a checkpoint has them. Nothing of the run's files is touched."""
    arms: dict[str, Any] = {arm.name: arm for arm in built.learners}
    for name, buffers in state["buffers"].items():
        for key, buffer in arms[name].split.module.named_buffers():
            buffer.copy_(buffers[key])
    for name, of in state["learners"].items():
        arms[name].load_state_dict(of)
    built.stream.load_state_dict(state["stream"])
    for name, kept in attributes.items():
        kept.load_state_dict(state["attributes"][name])
    for name, drift in state["drift"].items():
        arms[name].drift = drift
    for name, arm in arms.items():
        arm.seconds = state["seconds"][name]


@contextmanager
def one_net() -> Iterator[None]:
    """Raise BadInput where a checkpoint does not fit: a model or a stream of the user's was changed since."""
    try:
        yield
    except (BadInput, LostRank):
        raise
    except (RuntimeError, KeyError, ValueError, TypeError, AttributeError, IndexError) as error:
        raise BadInput(f"the checkpoint is of another net or stream: {' '.join(str(error).split())}") from error


def attributes_of(built: Comparison) -> dict[str, Attributes]:
    """What the nets of the arms hold beside their weights, to be asked for when they have learnt."""
    return {arm.name: Attributes(net) for arm in built.learners if (net := net_of(arm)) is not None}


def why_never(built: Comparison) -> str:
    """Why a run cannot have checkpoints: a stream of the user's need not say where it is.

    Raises what is no property of stream or net: an OSError, also one behind another error.
    """
    nets = [net for learner in built.learners if (net := net_of(learner)) is not None]
    extra = [value for net in nets for value in net.state_dict().values() if not isinstance(value, Tensor)]
    try:
        memory = io.BytesIO()
        torch.save([built.stream.state_dict(), extra], memory)
        torch.load(io.BytesIO(memory.getvalue()), weights_only=True)
    except Exception as error:
        if any(isinstance(cause, OSError | MemoryError) for cause in _behind(error)):
            raise
        return " ".join(str(error).split())[:200]
    return ""


def _behind(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
