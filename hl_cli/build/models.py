"""From a model's config to the net, as a user of PyTorch writes it, and to that net as HL runs it."""

from __future__ import annotations

from typing import Any

from omegaconf import DictConfig, OmegaConf
from torch import nn

from hl_cli.build.own import own_net
from hl_cli.config import Module
from hl_cli.config.registry import choice_of
from hl_cli.errors import NoSuchCombination
from hl_cli.networks.blocks import Block, ModuleBlock
from hl_cli.networks.feedforward import head_block
from hl_cli.networks.kinds import NetKind, Shape
from hl_cli.networks.own_cell import OwnCell
from hl_cli.networks.recurrent import Recurrent
from hl_cli.networks.splits import SPLITS, Split, split_chain, stages, whole
from hl_cli.streams.base import Stream


def net(model: DictConfig, stream: Stream, outputs: int) -> nn.Module:
    """Build the net: (batch, ticks, features) to (rows, outputs)."""
    every = stream.task.targets == "all"
    if is_own(model):
        return own_net(model, stream, outputs, every)
    fields: Any = {key: value for key, value in model.items() if key != "name"}
    shape = Shape(stream.features, stream.ticks, outputs, every, stream.image, stream.descriptions)
    return _kind(model).net(model.name, shape, **fields)


def _kind(model: DictConfig) -> NetKind:
    choice = choice_of(OmegaConf.get_type(model))
    assert choice is not None
    kind: NetKind = choice.load()
    return kind


def is_own(model: DictConfig) -> bool:
    """Whether the net is of the user's own making."""
    return OmegaConf.get_type(model) is Module


def fitting_split(model: DictConfig, name: str, module: nn.Module) -> tuple[str, str]:
    """The split, and a note where another had to be taken: a net of one block has no part to be f^y."""
    if not is_own(model) or isinstance(module, Recurrent) or len(stages(module)) > 1 or name in SPLITS[:2]:
        return name, ""
    return SPLITS[1], f"; {model.name} is no torch.nn.Sequential of several parts: it is one block, under split=state"


def split(model: DictConfig, name: str, module: nn.Module, device: str, every: bool) -> Split:
    """Run the net as HL does. Off the CPU, PyTorch fuses GRU and LSTM cells, so autograd pulls those back."""
    blocks: list[Block]
    if is_own(model) and not isinstance(module, Recurrent):
        blocks = [ModuleBlock(stage) for stage in stages(module)]
        if len(blocks) == 1 and name not in SPLITS[:2]:
            raise NoSuchCombination(
                f"split={name}: model={model.name} is one block, for it is not a torch.nn.Sequential with weights in "
                f"several parts; allowed: {', '.join(SPLITS[:2])}"
            )
        return split_chain(module, blocks, name, every, whole)
    if isinstance(module, Recurrent) and is_own(model):
        blocks = [ModuleBlock(cell, cell.width) for cell in module.cells if isinstance(cell, OwnCell)]
        return split_chain(module, [*blocks, head_block(module.head)], name, every)  # type: ignore[arg-type]
    blocks = _kind(model).blocks(model.name, module, device)
    _check(name, len(blocks), model.name)
    return split_chain(module, blocks, name, every)


def _check(split: str, blocks: int, model: str) -> None:
    """Refuse to cut a net that has one block alone into state net and output net."""
    allowed = SPLITS[:2] if blocks == 1 else SPLITS
    if split not in allowed:
        raise NoSuchCombination(
            f"split={split}: model={model} has no hidden layer, so its splits are {', '.join(allowed)}"
        )
