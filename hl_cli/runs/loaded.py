"""A run that has finished or was stopped, in Python again: its learners and its stream, where the checkpoint has them.

The file has another name than the function, for `hl_cli.load` must stay the function.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from hl_cli.build import comparison
from hl_cli.compare.resume_point import ResumePoint
from hl_cli.errors import BadInput
from hl_cli.learners.base import Learner
from hl_cli.reporting import checkpoints
from hl_cli.runs.provenance import changes, made_with
from hl_cli.runs.recompose import recompose
from hl_cli.runs.resume import APART, FREE, check_begun
from hl_cli.runs.same_run import check_config, naming
from hl_cli.runs.state import attributes_of, one_net, put_back, why_never
from hl_cli.streams import chance
from hl_cli.streams.ahead import Ahead
from hl_cli.streams.base import Stream


@dataclass(frozen=True, eq=False, repr=False)
class Loaded(Mapping[str, Learner]):
    """The learners of a run by the names of their arms; one that has diverged is none of them.

    checkpoint: the file they are from; step: how many steps they have taken; config: that of the run; stream: gives
    the sample of the next step, then those that follow, and `stream.held_out()`; random_state: see `draw_on`.
    """

    checkpoint: Path
    step: int
    config: DictConfig
    stream: Stream
    learners: dict[str, Learner]
    random_state: dict[str, Any]

    def __getitem__(self, name: str) -> Learner:
        if name in self.learners:
            return self.learners[name]
        why = "has diverged before" if name in self.config.arms else "is no arm of this run"
        raise KeyError(f"{name} {why}; there are: {', '.join(self.learners) or 'none'}")

    def __iter__(self) -> Iterator[str]:
        return iter(self.learners)

    def __len__(self) -> int:
        return len(self.learners)

    def __repr__(self) -> str:
        return f"<{', '.join(self) or 'no arm'} after step {self.step}, from {self.checkpoint}>"

    def draw_on(self) -> None:
        """Set the generators that everybody draws from (torch, NumPy, random) to where the run had them.

        A net or a stream of your own may draw from them, as torch.nn.Dropout does; what ships does not. Where
        several arms draw, their turns are those of the run's bursts, not of single steps: go on with one arm then.
        """
        chance.load_state_dict(self.random_state)


def load(folder: str | Path) -> Loaded:
    """The learners of a run as its latest checkpoint has them: `load("outputs/x")["hl"].predict(inputs)`.

    folder: of a run, finished or not, or one of its checkpoints. Call it where hl-run was called, as paths in a config
    may be relative. Learners that go on with the samples of `.stream` have the bits of the run. torch is set to the
    number of threads of the run. Hydra and the generators of torch, NumPy and random stay as they are. Nothing is
    written.

    Raises BadInput where the folder holds no run, no checkpoint, or one that is damaged or of another config; warns
    where versions, or files that the stream reads, are others than at the checkpoint.
    """
    path = Path(folder).absolute()
    run, named = (path.parent.parent, path) if path.is_file() else (path, None)
    if not run.is_dir():
        raise BadInput(f"{folder}: no such folder; allowed: the folder of a run, or one of its checkpoints")
    check_begun(run, str(folder))
    before = chance.state_dict()
    try:
        return _loaded(run, named)
    finally:
        chance.load_state_dict(before)


def _loaded(run: Path, named: Path | None) -> Loaded:
    cfg = recompose(run)
    files = [named] if named else checkpoints.saved(run)
    if not files:
        raise BadInput(f"{run}: no checkpoint: {_why_none(run, cfg)}")
    file, *older = files
    with naming(file, f'; the older one: hl_cli.load("{older[0]}")' if older else ""):
        state = checkpoints.read(file)
        check_config(state, cfg, (*FREE, *APART))
        if state["processes"] != 1:
            raise BadInput(f"of a run of {state['processes']} processes; allowed: a run of one")
        built = comparison(cfg)
        with one_net():
            put_back(built, attributes_of(built), state)
        here, learners = ResumePoint.of(state["rest"]), {name: built.arms[name].learner for name in state["learners"]}
        changed = changes(state["made_with"], made_with(cfg, built.stream.files))
    if changed:
        warnings.warn(f"{file}: with {', '.join(changed)}: the bits may be others", stacklevel=3)
    stream = Ahead(built.stream, here.given) if here.given else built.stream
    return Loaded(file, here.step, cfg, stream, learners, state["chance"])


def _why_none(run: Path, cfg: DictConfig) -> str:
    """Why a run has no checkpoint, as far as can be told."""
    if why := why_never(comparison(cfg)):
        return f"its stream, or a net, cannot be saved: {why}"
    if not cfg.checkpoint_every:
        return "it was run with checkpoint_every=0; allowed: 1 or more"
    if (run / "summary.json").is_file():
        return "they were removed, or a net changes what cannot be saved"
    return f"it was broken off before the first one, which comes after {min(cfg.checkpoint_every, cfg.steps)} steps"
