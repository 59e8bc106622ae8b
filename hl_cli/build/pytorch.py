"""From the config of the PyTorch arm to its learner: which optimizer, over which ticks."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf
from torch import nn

from hl_cli.build.schemes import scheme_of
from hl_cli.build.steering import steered
from hl_cli.config.models import with_a_state
from hl_cli.dynamics.equivalence import SGD
from hl_cli.dynamics.stock import Stock
from hl_cli.errors import BadInput, NoSuchCombination
from hl_cli.learners.pytorch import PyTorchLearner
from hl_cli.learners.real_time import RealTimeLearner
from hl_cli.learners.replayed_windows import ReplayedTruncated
from hl_cli.learners.truncated import TruncatedLearner
from hl_cli.networks.losses import Loss
from hl_cli.networks.recurrent import Recurrent

KERNELS = ("fused", "foreach")  # options of torch.optim that choose how a method is computed, and not which
PLAIN = {"nesterov": False, "maximize": False, "differentiable": False}  # what SGD does where nothing is said
REFUSED = ("LBFGS", "SparseAdam")  # one asks for a closure, one for sparse gradients
OPTIMIZERS: dict[str, type[torch.optim.Optimizer]] = {
    name.lower(): kind
    for name, kind in vars(torch.optim).items()
    if inspect.isclass(kind) and issubclass(kind, torch.optim.Optimizer) and kind is not torch.optim.Optimizer
    if name not in REFUSED
}


def pytorch_learner(cfg: DictConfig, module: nn.Module, loss: Loss, sgd: SGD | Stock) -> PyTorchLearner:
    """Build the PyTorch arm over a net of its own, steered; raises BadInput for what torch.optim does not take."""
    return steered(cfg, _learner(cfg, module, loss, sgd), sgd.lr)


def _learner(cfg: DictConfig, module: nn.Module, loss: Loss, sgd: SGD | Stock) -> PyTorchLearner:
    of, given = cfg.pytorch, options(cfg.pytorch, sgd)
    optimizer = OPTIMIZERS[optimizer_of(of, sgd)]
    for field, value in (("window", of.window), ("credit", "rtrl" if of.credit == "rtrl" else None)):
        if value is not None and not isinstance(module, Recurrent):
            raise NoSuchCombination(
                f"pytorch.{field}={value}: needs a recurrent net, and model={cfg.model.name} is none; allowed: "
                f"{with_a_state()}"
            )
    replay, reset = of.engine == "replay", scheme_of(cfg).states_reset
    if replay and (of.window is None or of.credit == "rtrl" or cfg.device != "cpu"):
        raise BadInput("pytorch.engine=replay: allowed with pytorch.window=TICKS, pytorch.credit=bptt and device=cpu")
    try:
        if of.credit == "rtrl":
            return RealTimeLearner(_in_real_time(cfg, module), loss, optimizer, reset, **given)
        if isinstance(module, Recurrent) and of.window is not None:
            kind = ReplayedTruncated if replay else TruncatedLearner
            return kind(module, loss, optimizer, of.window, reset, **given)
        return PyTorchLearner(module, loss, optimizer, **given)
    except BadInput:
        raise
    except (TypeError, ValueError) as error:
        line = " ".join(str(error).split())
        raise BadInput(f"pytorch.optimizer={optimizer_of(of, sgd)}: torch.optim refuses {given}: {line}") from error


def _in_real_time(cfg: DictConfig, module: nn.Module) -> Recurrent:
    """The net, where real-time recurrent learning can run it."""
    window, batch = cfg.pytorch.window, cfg.batch_size
    if window is not None:
        raise BadInput(
            f"pytorch.window={window}: allowed with pytorch.credit=rtrl: null: its gradient reaches back to rest"
        )
    if batch > 1:
        raise BadInput(f"batch_size={batch}: allowed with pytorch.credit=rtrl: 1")
    assert isinstance(module, Recurrent)
    return module


def check_optimizer(where: str, name: str | None) -> None:
    """Raise BadInput for one that torch.optim does not have, or that asks for more than gradients."""
    if name is not None and name.lower() not in OPTIMIZERS:
        raise BadInput(f"{where}.optimizer={name}: allowed: {', '.join(sorted(OPTIMIZERS))}")


def optimizer_of(of: DictConfig, sgd: SGD | Stock) -> str:
    """The name of the optimizer; by default that of the scenario."""
    return str(of.optimizer or sgd.optimizer).lower()


def options(of: DictConfig, sgd: SGD | Stock) -> dict[str, Any]:
    """The arguments of the optimizer: for that of the scenario its own, and what the user says over them."""
    own: dict[str, Any] = sgd.options
    if optimizer_of(of, sgd) != sgd.optimizer:
        own = {"lr": sgd.lr, **({"weight_decay": sgd.weight_decay} if sgd.weight_decay else {})}
    said: Any = OmegaConf.to_container(of.options, resolve=True)
    return {**own, **({} if of.lr is None else {"lr": of.lr}), **said}


def named(of: DictConfig, sgd: SGD | Stock) -> str:
    """The PyTorch arm in words."""
    given = (
        f"{name} {value:.12g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in options(of, sgd).items()
        if name not in ("weight_decay", "foreach") or value
    )
    ticks = f"truncated BPTT over {of.window} tick{'s' if of.window != 1 else ''}"
    credit = ["real-time recurrent learning"] if of.credit == "rtrl" else [] if of.window is None else [ticks]
    replayed = ["replayed"] if of.engine == "replay" else []
    return ", ".join((f"torch.optim.{OPTIMIZERS[optimizer_of(of, sgd)].__name__}", *given, *credit, *replayed))


def _method(of: DictConfig, sgd: SGD | Stock) -> dict[str, Any]:
    """The options of the optimizer that say what is computed, and not by which kernel."""
    said = {name: value for name, value in options(of, sgd).items() if name not in KERNELS}
    return PLAIN | said if optimizer_of(of, sgd) == "sgd" else said


def same_method(of: DictConfig, sgd: SGD | Stock, other: DictConfig, of_other: SGD | Stock) -> bool:
    """Whether two arms of PyTorch compute the same."""
    pair = ((of, sgd), (other, of_other))
    one, two = ((optimizer_of(one, numbers), one.window, one.credit, _method(one, numbers)) for one, numbers in pair)
    return one == two


def another_baseline(cfg: DictConfig, sgd: SGD | Stock, of_reference: SGD | Stock | None = None) -> str:
    """Why the PyTorch arm is not the SGD that HL is meant to equal; nothing where it is.

    sgd: that SGD; of_reference: the one whose numbers the PyTorch arm has by default, the same unless it is given.
    """
    of_reference = of_reference or sgd
    on_and_on = cfg.pytorch.credit == "rtrl" or (cfg.pytorch.window is not None and not scheme_of(cfg).online)
    method = optimizer_of(cfg.pytorch, of_reference), _method(cfg.pytorch, of_reference)
    wanted = {name: value for name, value in sgd.options.items() if name not in KERNELS}
    if on_and_on or method != (sgd.optimizer, PLAIN | wanted if sgd.optimizer == "sgd" else wanted):
        return f"PyTorch's arm is {named(cfg.pytorch, of_reference)}: compare the curves, not the weights"
    return ""
