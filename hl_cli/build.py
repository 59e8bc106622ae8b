"""From config to objects: the only place that sees both. Each choice is a line in a table."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from omegaconf import DictConfig
from torch import nn
from torch.nn import functional

from hl_cli import validation
from hl_cli.compare.side_by_side import Schedule
from hl_cli.dynamics.equivalence import SGD, Coefficients, physics_of, rounds_alike, sgd_of
from hl_cli.dynamics.integrators import INTEGRATORS
from hl_cli.errors import BadInput
from hl_cli.learners.hamiltonian import HamiltonianLearner
from hl_cli.learners.pytorch import PyTorchLearner
from hl_cli.networks.blocks import Block, ModuleBlock
from hl_cli.networks.feedforward import Dense, dense_blocks, feedforward
from hl_cli.networks.losses import Loss
from hl_cli.networks.recurrent import CELLS, Recurrent
from hl_cli.networks.splits import SPLITS, Split, split_chain
from hl_cli.streams.base import Stream
from hl_cli.streams.tabular import TabularStream

LOSS: Loss = functional.cross_entropy


@dataclass(frozen=True)
class Comparison:
    """All that a run needs, built; fresh_stream and fresh_pytorch start again from the very beginning."""

    stream: Stream
    hl: HamiltonianLearner
    pytorch: PyTorchLearner
    schedule: Schedule
    physics: Coefficients
    sgd: SGD
    note: str
    fresh_stream: Callable[[], Stream]
    fresh_pytorch: Callable[[], PyTorchLearner]


def coefficients(scenario: DictConfig, tau: float, dtype: str) -> tuple[Coefficients, SGD, str]:
    """HL's numbers, SGD's numbers, and a sentence on how they are related."""
    of_sgd = [k for k in ("lr", "momentum", "dampening") if scenario[k] is not None]
    of_hl = [k for k in ("beta", "eta", "phi") if scenario[k] is not None]
    if of_sgd and of_hl:
        raise BadInput(
            f"scenario gives both {', '.join(of_sgd)} (of SGD) and {', '.join(of_hl)} (of HL): give one kind, "
            "the other follows; scenario=custom starts with neither"
        )
    decay = scenario.weight_decay or 0.0
    if of_hl:
        return _fitting(*_from_hl(scenario, tau, decay, dtype), dtype)
    if scenario.lr is None:
        raise BadInput("scenario.lr=null: allowed: a number > 0, or scenario.beta for HL's own numbers")
    sgd = SGD(scenario.lr, scenario.momentum or 0.0, scenario.dampening or 0.0, decay)
    physics = physics_of(sgd, tau)
    return _fitting(physics, sgd, f"HL's coefficients follow from SGD's{_rounding(physics, sgd, dtype)}", dtype)


def _rounding(physics: Coefficients, sgd: SGD, dtype: str) -> str:
    alike = "the same numbers" if rounds_alike(physics, sgd, dtype) else "slightly other numbers, so expect round-off"
    return f"; in {dtype} the two round to {alike}"


def _fitting(physics: Coefficients, sgd: SGD, note: str, dtype: str) -> tuple[Coefficients, SGD, str]:
    """Pass on coefficients that are finite numbers of the dtype."""
    derived = {"tau*beta": physics.velocity, "1 - tau*eta": physics.decay, "tau*phi": physics.tau * physics.phi}
    largest = torch.finfo(getattr(torch, dtype)).max
    for name, value in {**vars(physics), **vars(sgd), **derived}.items():
        if value is not None and not abs(value) <= largest:
            raise BadInput(
                f"scenario.{name}={value:g} (tau={physics.tau:g}): no finite number in {dtype}; "
                f"allowed: up to {largest:.3g}"
            )
    return physics, sgd, note


def _from_hl(scenario: DictConfig, tau: float, weight_decay: float, dtype: str) -> tuple[Coefficients, SGD, str]:
    if scenario.beta is None:
        raise BadInput("scenario.beta=null: allowed: a number > 0 (eta and phi default to 1/tau)")
    eta = 1.0 / tau if scenario.eta is None else scenario.eta
    phi = 1.0 / tau if scenario.phi is None else scenario.phi
    has_momentum, dampened = 1.0 - tau * eta != 0.0, tau * phi < 1.0
    phi_first = 1.0 / tau if has_momentum and dampened else phi
    physics = Coefficients(tau, scenario.beta, eta, phi, phi_first, weight_decay)
    found = sgd_of(physics)
    first = f" (phi = {phi_first:g} at the first step, as PyTorch starts)" if phi_first != phi else ""
    rounding = _rounding(physics, found.sgd, dtype) if found.equal else ""
    return physics, found.sgd, f"SGD's numbers follow from HL's{first}: {found.note}{rounding}"


def net(model: DictConfig, stream: Stream) -> nn.Module:
    """Build the net as a user of PyTorch writes it: (batch, ticks, features) to (batch, classes)."""
    if model.name in CELLS:
        return Recurrent(CELLS[model.name][0], stream.features, model.hidden, model.layers, stream.classes)
    hidden = model.hidden if model.name == "mlp" else []
    activation = model.activation if model.name == "mlp" else "tanh"
    return feedforward(stream.features * stream.ticks, hidden, stream.classes, activation)


def split(model: DictConfig, name: str, module: nn.Module, device: str) -> Split:
    """Run the net as HL does. Off the CPU, PyTorch fuses GRU and LSTM cells, so autograd pulls those back."""
    allowed = SPLITS[:2] if model.name == "linear" else SPLITS
    if name not in allowed:
        raise BadInput(f"split={name}: model={model.name} has no hidden layer, so its splits are {', '.join(allowed)}")
    if isinstance(module, Recurrent):
        blocks: list[Block] = [_cell(model, cell, device) for cell in module.cells]
        return split_chain(module, [*blocks, Dense(module.head)], name)
    assert isinstance(module, nn.Sequential)
    return split_chain(module, dense_blocks(module, model.activation if model.name == "mlp" else "tanh"), name)


def _cell(model: DictConfig, cell: nn.Module, device: str) -> Block:
    if device == "cpu" or model.name == "rnn":
        return CELLS[model.name][1](cell)  # type: ignore[arg-type]
    return ModuleBlock(cell, (model.hidden, model.hidden) if model.name == "lstm" else model.hidden)


def use_device(device: str, dtype: str, threads: int) -> None:
    """Set threads and deterministic kernels, or say in one line why the device cannot be used."""
    kind = device.split(":")[0]
    available = ["cpu"]
    if torch.cuda.is_available():
        available += ["cuda", *(f"cuda:{k}" for k in range(torch.cuda.device_count()))]
    if torch.backends.mps.is_available():
        available.append("mps")
    if kind not in ("cpu", "cuda", "mps"):
        raise BadInput(f"device={device}: allowed: cpu, cuda, mps")
    if device not in available:
        raise BadInput(f"device={device}: this machine or this build of torch has only {', '.join(available)}")
    if kind == "mps" and dtype == "float64":
        raise BadInput("dtype=float64: device=mps has only float32")
    torch.set_num_threads(threads)
    if kind == "cuda":  # on the CPU the kernels used here are deterministic, and the switch takes 2 s to import
        torch.use_deterministic_algorithms(True, warn_only=True)


def comparison(cfg: DictConfig) -> Comparison:
    """Check and build everything; raises BadInput before anything is written."""
    validation.check(cfg)
    dtype, device = cfg.dtype, cfg.device
    physics, sgd, note = coefficients(cfg.scenario, cfg.tau, dtype)
    if cfg.integrator.name == "explicit_euler":
        note += "; the explicit order is another method than SGD, so expect a difference"
    use_device(device, dtype, cfg.threads)

    def fresh_stream() -> Stream:
        s = cfg.stream
        torch_dtype = getattr(torch, dtype)
        return TabularStream(s.dataset, s.ticks, s.held_out, cfg.batch_size, cfg.seed, torch_dtype, device)

    stream = fresh_stream()
    torch.manual_seed(cfg.seed)
    start = net(cfg.model, stream).to(device, getattr(torch, dtype))  # drawn in float32 for every dtype

    def fresh_pytorch() -> PyTorchLearner:
        return PyTorchLearner(copy.deepcopy(start), LOSS, torch.optim.SGD, **vars(sgd))

    return Comparison(
        stream=stream,
        hl=HamiltonianLearner(
            split(cfg.model, cfg.split.name, copy.deepcopy(start), device),
            LOSS,
            physics,
            INTEGRATORS[cfg.integrator.name],
            cfg.memory,
        ),
        pytorch=fresh_pytorch(),
        schedule=Schedule(cfg.steps, cfg.log_every, cfg.eval_every),
        physics=physics,
        sgd=sgd,
        note=note,
        fresh_stream=fresh_stream,
        fresh_pytorch=fresh_pytorch,
    )
