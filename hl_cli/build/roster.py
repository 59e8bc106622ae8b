"""Who takes part in a run: the names of its arms, which of them is the reference, and the config as each sees it."""

from __future__ import annotations

import copy
import re

import torch
from omegaconf import DictConfig, OmegaConf

from hl_cli import config
from hl_cli.build.pytorch import OPTIMIZERS
from hl_cli.compare.arm import ANOTHER_NET
from hl_cli.config.registry import choices
from hl_cli.errors import BadInput

STOCK = "PyTorch"  # label of the arm `pytorch`
OF_RUN = ("tau", "checkpointing", "anchor_every", "engine")  # of the run where an HL arm says nothing
OF_STOCK = ("window", "credit", "engine", "optimizer", "lr", "options")


def seen_by(cfg: DictConfig, name: str) -> DictConfig:
    """The config of the run as one of its arms sees it: with the arm's own values in the place of the run's."""
    seen, of = copy.deepcopy(cfg), cfg.arms[name]
    if of.model is not None:
        seen.model = of.model
    if of.lr is not None and OmegaConf.get_type(of) is config.HamiltonianArm:
        if any(seen.scenario.get(key) is not None for key in ("beta", "eta", "phi")):
            raise BadInput(f"arms.{name}.lr={of.lr}: the scenario gives HL's own numbers; allowed: null")
        seen.scenario.lr = of.lr
    if OmegaConf.get_type(of) is config.HamiltonianArm:
        if of.scheme is not None:
            seen.scheme = of.scheme
        if of.credit is not None:
            seen.credit = of.credit
        if of.split is not None:
            seen.split.name = of.split
        if of.integrator is not None and of.integrator != seen.integrator.name:
            seen.integrator = _integrator(f"arms.{name}.integrator", of.integrator)
        if of.kinetic is not None:
            seen.kinetic = of.kinetic
        for key in OF_RUN:
            if of[key] is not None:
                seen[key] = of[key]
    if OmegaConf.get_type(of) is config.StockArm:
        for key in OF_STOCK:
            seen.pytorch[key] = of[key]
    return seen


def another_net(cfg: DictConfig, name: str, reference: str | None) -> str:
    """Why an arm is not held to the reference weight by weight: its model has other fields; or nothing."""
    if reference in (None, name):
        return ""
    one, other = (cfg.model if (own := cfg.arms[arm].model) is None else own for arm in (name, reference))
    if one == other:
        return ""
    return ANOTHER_NET


def _integrator(where: str, name: str) -> DictConfig:
    """An integrator by its name, with the defaults of its config."""
    known = {option: one.kind for one in choices("integrator") for option in one.names}
    if name not in known:
        raise BadInput(f"{where}={name}: allowed: {', '.join(known)}")
    made: DictConfig = OmegaConf.structured(known[name](name=name))
    return made


def as_set(cfg: DictConfig, name: str, message: str) -> str:
    """A message of an arm, built of what `seen_by` gave, with the fields as a user sets them: arms.tbptt8.window=8.

    A field that the message begins with is the arm's own where the arm has a value of its own; pytorch.* always is.
    """
    own = re.sub(r"(?<![\w.])pytorch\.(?=\w)", f"arms.{name}.", message)
    field = re.match(r"(\w+)[.\w]*=", own)
    if field and field[1] in cfg.arms[name] and cfg.arms[name][field[1]] is not None:
        own = f"arms.{name}.{own}"
    return own if own.startswith(f"arms.{name}.") or list(cfg.arms) == ["hl", "pytorch"] else f"arm {name}: {own}"


def reference_of(cfg: DictConfig) -> str | None:
    """The arm that the others are measured against; None where there is nothing to compare."""
    names = [str(name) for name in cfg.arms]
    if not names:
        raise BadInput("arm=[]: allowed: one or more arms, such as arm=[hl,pytorch]")
    if cfg.reference is not None and cfg.reference not in names:
        raise BadInput(f"reference={cfg.reference}: is not among the arms; allowed: {', '.join(names)}")
    if len(names) == 1:
        return None
    stock = [name for name in names if OmegaConf.get_type(cfg.arms[name]) is config.StockArm]
    return cfg.reference or next(iter([*stock, *names]))


def labels_of(cfg: DictConfig) -> dict[str, str]:
    """Names for people, by arm; two arms never share one."""
    wanted = {str(name): _label(of) or str(name) for name, of in cfg.arms.items()}
    shared = [label for label in wanted.values() if list(wanted.values()).count(label) > 1]
    first = {label: name for name, label in reversed(wanted.items())}
    return {name: name if label in shared and first[label] != name else label for name, label in wanted.items()}


def _label(of: DictConfig) -> str | None:
    """What an arm is called; "PyTorch" is SGD by back-propagation, and another optimizer or credit has its own name."""
    if OmegaConf.get_type(of) is not config.StockArm or of.label != STOCK:
        return str(of.label) if of.label else None
    optimizer = OPTIMIZERS.get((of.optimizer or "sgd").lower())
    parts = [] if optimizer in (None, torch.optim.SGD) else [optimizer.__name__]
    if of.credit == "rtrl":
        parts.append("RTRL")
    elif of.window is not None:
        parts.append(f"TBPTT {of.window}")
    return ", ".join(parts) or STOCK
