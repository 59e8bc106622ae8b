r"""Splits: which part of a net is the state net f^h and which the output net f^y.

output         y = f^y(u)                 the whole net is f^y; a recurrent one is unrolled inside it
state          dh/dt = f^h(u, h), y = h   the whole net is f^h, the head its last block
state_output   dh/dt = f^h(u, h), y = f^y(h)     hidden layers or cells are f^h, the head is f^y
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from hl_cli.errors import BadInput
from hl_cli.networks.blocks import Block, ModuleBlock
from hl_cli.networks.chain import Chain
from hl_cli.networks.sequence import Unrolled

SPLITS = ("output", "state", "state_output")
Ticks = Callable[[Tensor], Sequence[Tensor]]


def whole(inputs: Tensor) -> Sequence[Tensor]:
    """One tick that sees all of the sample, as it is."""
    return (inputs,)


def side_by_side(inputs: Tensor) -> Sequence[Tensor]:
    """One tick that sees the ticks of the sample side by side: (batch, ticks, f) to (batch, ticks * f)."""
    return (inputs.flatten(1),)


def folded(inputs: Tensor) -> Sequence[Tensor]:
    """One tick that sees each tick of the sample as a row of its own: (batch, ticks, f) to (batch * ticks, f)."""
    return (inputs.flatten(0, 1),)


def one_by_one(inputs: Tensor) -> Sequence[Tensor]:
    """Tick t sees inputs[:, t], a view made when it is asked for: 10,000 views at once would be 6 MB."""
    return _Ticks(inputs)


def in_a_row(ticks: Ticks, inputs: Tensor) -> Tensor | None:
    """The ticks of all samples one after the other, (ticks, 1, ...), in their memory; None where they do not lie so."""
    if not inputs.is_contiguous() or inputs.dim() < 3:
        return None
    row, seen = inputs.flatten(0, 1).unsqueeze(1), ticks(inputs[:1])
    alike = len(seen) == inputs.shape[1] and all(seen[0].shape == one.shape for one in (row[0], seen[-1]))
    return row if alike and seen[0].data_ptr() == inputs.data_ptr() else None


class _Ticks(Sequence[Tensor]):
    def __init__(self, inputs: Tensor) -> None:
        self.inputs = inputs

    def __len__(self) -> int:
        return self.inputs.shape[1]

    def __getitem__(self, t: Any) -> Any:
        return self.inputs.select(1, t)

    def __iter__(self) -> Iterator[Tensor]:  # that of Sequence asks for one more, to be told that there is none
        return (self.inputs.select(1, t) for t in range(len(self)))


def check_weights(module: nn.Module, where: str = "") -> None:
    """Raise BadInput for weights that the flat buffers of HL cannot hold; where: what the error names first."""
    dtypes: dict[Any, str] = {}
    for name, p in module.named_parameters():
        if is_lazy(p):
            raise BadInput(f"{where}weight {name} has no shape yet; allowed: a net that has seen a sample")
        if p.layout is not torch.strided or (p.requires_grad and p.dtype not in (torch.float32, torch.float64)):
            kind = str(p.dtype).removeprefix("torch.") if p.layout is torch.strided else "sparse"
            raise BadInput(f"{where}weight {name} is {kind}; allowed: dense float32 or float64")
        if p.is_floating_point():
            dtypes.setdefault(p.dtype, name)
    if len(dtypes) > 1:
        each = " and ".join(f"{str(kind).removeprefix('torch.')} ({name})" for kind, name in dtypes.items())
        raise BadInput(f"{where}the net has weights of {each}; allowed: one of them for all")


@dataclass(frozen=True)
class Split:
    """A net as HL runs it: state blocks, an output block or none (y = h), and what a tick sees of a sample.

    module owns all weights and names them; the blocks share them. ticks: the inputs u_1..u_T of the state net (or
    the one input of f^y) made of a sample's inputs. every: whether y is read, and counts, at every one of them.
    """

    module: nn.Module
    state: Sequence[Block]
    output: Block | None
    ticks: Ticks = whole
    every: bool = False

    def __post_init__(self) -> None:
        if not self.state and self.output is None:
            raise BadInput("a split needs a state net, an output net, or both")
        check_weights(self.module)
        used = [id(p) for block in self.blocks for p in block.parameters]
        if len(used) != len(set(used)):
            raise BadInput("a weight belongs to two blocks: tie weights inside one block only")
        for name, p in self.module.named_parameters():
            if p.requires_grad and id(p) not in used:
                raise BadInput(f"weight {name} belongs to no block of the split: it would never learn")

    @property
    def blocks(self) -> list[Block]:
        """The state blocks in order, then the output block where there is one."""
        return [*self.state, *(() if self.output is None else (self.output,))]


def split_of(
    net: nn.Module,
    state: nn.Module | Block | Sequence[nn.Module | Block] = (),
    output: nn.Module | Block | None = None,
    ticks: Ticks = whole,
    every: bool = False,
) -> Split:
    """Split your own net: `state` the chain of its parts that are state blocks, `output` the part that is f^y.

    A module stands for ModuleBlock(module); give ModuleBlock(module, width) for one with a state of its own, and
    ticks=one_by_one to feed it a sequence (every=True where every tick counts). net owns all the weights.
    """
    chain = [state] if isinstance(state, nn.Module | Block) else list(state)
    blocks = [part if isinstance(part, Block) else ModuleBlock(part) for part in chain]
    return Split(net, blocks, ModuleBlock(output) if isinstance(output, nn.Module) else output, ticks, every)


def stages(module: nn.Module) -> list[nn.Module]:
    """Cut a torch.nn.Sequential before each part with weights but the first; any other module is one stage."""
    if not isinstance(module, nn.Sequential):
        return [module]
    cut: list[list[nn.Module]] = [[]]
    for part in module:
        if any(p.requires_grad for p in part.parameters()) and any(True for m in cut[-1] for _ in m.parameters()):
            cut.append([])
        cut[-1].append(part)
    return [nn.Sequential(*parts) for parts in cut]


def split_chain(
    net: nn.Module, blocks: list[Block], split: str, every: bool = False, ticks: Ticks | None = None
) -> Split:
    """Cut a chain of blocks, the head last, at the place that the split names; every: whether every tick counts.

    ticks: what a tick sees of a sample, where it is not the usual. Every layer or cell is a block. Under `output` a
    net with memory is one block, unrolled over its sequence.
    """
    recurrent = any(block.memory for block in blocks)
    ticks = ticks or (one_by_one if recurrent else (folded if every else side_by_side))
    read_every = recurrent and every
    if split == "state":
        return Split(net, blocks, None, ticks, read_every)
    if split == "state_output":
        return Split(net, blocks[:-1], blocks[-1], ticks, read_every)
    return Split(net, (), Unrolled(blocks, every), whole) if recurrent else Split(net, (), Chain(blocks), ticks)
