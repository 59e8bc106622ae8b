"""From a model's config to the net, as a user of PyTorch writes it, and to that net as HL runs it."""

from __future__ import annotations

from functools import partial
from typing import Any

from omegaconf import DictConfig, OmegaConf
from torch import nn

from hl_cli.build.own import own_net
from hl_cli.config import Module, StateNet
from hl_cli.errors import BadInput, NoSuchCombination
from hl_cli.networks.antisymmetric import Antisymmetric, AntisymmetricBlock
from hl_cli.networks.blocks import Block, ModuleBlock
from hl_cli.networks.cell import Cell, CellBlock
from hl_cli.networks.convolutional import convolution_blocks, convolutional
from hl_cli.networks.diagonal import ComplexDiagonal, ComplexDiagonalBlock, Diagonal, DiagonalBlock
from hl_cli.networks.feedforward import dense_blocks, feedforward, head_block
from hl_cli.networks.leaky import LeakyCell, LeakyRNNCell
from hl_cli.networks.leapfrog import Leapfrog, LeapfrogBlock
from hl_cli.networks.lstm import ElementwiseLSTM, ElementwiseLSTMBlock, LSTMCell
from hl_cli.networks.oscillators import OscillatorBlock, Oscillators, Rows, RowsBlock
from hl_cli.networks.own_cell import OwnCell
from hl_cli.networks.recurrent import GRUCell, PyTorchCell, Recurrent, TanhCell
from hl_cli.networks.rotation import Rotation, RotationBlock
from hl_cli.networks.splits import SPLITS, Split, split_chain, stages, whole
from hl_cli.streams.base import Stream

CELLS: dict[str, tuple[type[nn.RNNCellBase], type[PyTorchCell]]] = {
    "rnn": (nn.RNNCell, TanhCell),
    "gru": (nn.GRUCell, GRUCell),
    "lstm": (nn.LSTMCell, LSTMCell),
}
OWN_CELLS: dict[str, tuple[type[Cell], type[CellBlock]]] = {
    "rotation": (Rotation, RotationBlock),
    "antisymmetric": (Antisymmetric, AntisymmetricBlock),
    "leapfrog": (Leapfrog, LeapfrogBlock),
    "diagonal": (Diagonal, DiagonalBlock),
    "complex_diagonal": (ComplexDiagonal, ComplexDiagonalBlock),
    "elementwise_lstm": (ElementwiseLSTM, ElementwiseLSTMBlock),
}


def net(model: DictConfig, stream: Stream, outputs: int) -> nn.Module:
    """Build the net: (batch, ticks, features) to (rows, outputs)."""
    every = stream.task.counts == "every"
    if is_own(model):
        return own_net(model, stream, outputs, every)
    if isinstance(kind := OmegaConf.get_type(model), type) and issubclass(kind, StateNet):
        own: Any = {key: value for key, value in model.items() if key not in ("name", "hidden", "layers", "head")}
        cell = partial(_cell_kind(model.name), **own)
        sizes = (stream.features, model.hidden, model.layers, outputs)
        return Recurrent(cell, *sizes, every, list(model.head or ()))
    if model.name == "oscillators":
        return _oscillators(model, stream, outputs, every)
    if model.name == "cnn":
        if stream.image is None or every:
            raise NoSuchCombination("model=cnn: the stream gives no images; allowed: digits, mnist and the like, flat")
        return convolutional(stream.image, list(model.channels), outputs, model.activation)
    features = stream.features if every else stream.features * stream.ticks
    if model.name == "linear":
        return feedforward(features, [], outputs, every=every)
    return feedforward(features, list(model.hidden), outputs, model.activation, every)


def _oscillators(model: DictConfig, stream: Stream, outputs: int, every: bool) -> Recurrent:
    """Oscillators with one head, or with a row a description."""
    each, told = model.readout == "each", stream.descriptions
    if each and (told is None or outputs != 1 or model.head):
        raise BadInput(
            f"model.readout=each (model.head={model.head}): allowed: a stream of one value whose signals are "
            "described, as signal_school, and model.head=null"
        )
    cell = partial(Oscillators, step=model.step, frozen=model.frozen, descriptions=told if each else None)
    net = Recurrent(cell, stream.features, model.hidden, 1, outputs, every, list(model.head or ()))
    if each and told is not None:
        net.head = Rows(2 * model.hidden + len(told), len(told))
    return net


def _cell_kind(name: str) -> type[nn.Module]:
    if name in CELLS:
        return CELLS[name][0]
    return LeakyRNNCell if name == "leaky_rnn" else OWN_CELLS[name][0]


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
    if isinstance(module, Recurrent):
        blocks = [_cell(model, cell, device) for cell in module.cells]
        head: Any = module.head
        return split_chain(
            module, [*blocks, RowsBlock(head) if isinstance(head, Rows) else head_block(head)], name, every
        )
    assert isinstance(module, nn.Sequential)
    if model.name == "cnn":
        return split_chain(module, convolution_blocks(module, model.activation), name)
    blocks = dense_blocks(module, model.activation if model.name == "mlp" else "tanh")
    _check(name, len(blocks), model.name)
    return split_chain(module, blocks, name, every)


def _check(split: str, blocks: int, model: str) -> None:
    """Refuse to cut a net that has one block alone into state net and output net."""
    allowed = SPLITS[:2] if blocks == 1 else SPLITS
    if split not in allowed:
        raise NoSuchCombination(
            f"split={split}: model={model} has no hidden layer, so its splits are {', '.join(allowed)}"
        )


def _cell(model: DictConfig, cell: nn.Module, device: str) -> Block:
    if isinstance(cell, OwnCell):
        return ModuleBlock(cell, cell.width)
    if isinstance(cell, LeakyRNNCell):
        return LeakyCell(cell)
    if isinstance(cell, Oscillators):
        return OscillatorBlock(cell)
    if model.name in OWN_CELLS:
        return OWN_CELLS[model.name][1](cell)
    if device == "cpu" or model.name == "rnn":
        return CELLS[model.name][1](cell)  # type: ignore[arg-type]
    return ModuleBlock(cell, (model.hidden, model.hidden) if model.name == "lstm" else model.hidden)
