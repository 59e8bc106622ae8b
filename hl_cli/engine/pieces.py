"""The memories that a program works on, cut into the pieces that its tensors name.

A buffer such as omega is written slot by slot and then moved as a whole. A compiler that sees one flat tensor has to
find out, element by element, which slot it is in. So each slot is a piece of its own, of the shape that it has in the
program, and the whole is the list of its slots, hl_cli.engine.parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from hl_cli.engine.parts import Parts
from hl_cli.engine.recorder import Unrecordable

MOST = 64  # pieces of a storage; of more, kernels become long


class Place(NamedTuple):
    """Where a tensor lies: in one piece, or flat over so many pieces, of which it is the first."""

    piece: int
    over: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]
    offset: int

    def of(self, pieces: Sequence[Tensor]) -> Tensor | Parts:
        """The tensor; a slice where it is dense, which compilers take better than any other view."""
        if self.over > 1:
            return Parts(list(pieces[self.piece : self.piece + self.over]))
        piece = pieces[self.piece]
        order, count, dense = _laid(self.shape, self.stride)
        if not dense:
            return piece.as_strided(self.shape, self.stride, self.offset)
        flat = piece.reshape(-1)
        part = flat if count == len(flat) else flat[self.offset : self.offset + count]
        return part.view([self.shape[d] for d in order]).permute([order.index(d) for d in range(len(order))])


def cut(tensors: Sequence[Tensor]) -> tuple[list[Tensor], list[Place]]:
    """The pieces of all memories that these lie in, and the place of each; raises Unrecordable for mixed types.

    Memories of which wholes of one length are used are cut alike.
    """
    pieces: list[Tensor] = []
    places: dict[int, Place] = {}
    memories = _memories(tensors)
    for memory in memories:
        alike = [other for other in memories if memory.over and other.whole == memory.whole and other.over] or [memory]
        spans = [(other.spans[k], tensors[k]) for other in alike for k in other.members if k not in other.over]
        bounds = _bounds([span for span, _ in spans], memory.whole if memory.over else None)
        over = memory.over
        if len(bounds) > MOST:
            bounds, over = [(bounds[0][0], bounds[-1][1])], []
        first, of = len(pieces), tensors[memory.members[0]]
        for begin, end in bounds:
            pieces.append(_piece(of, begin, end, [one for span, one in spans if span == (begin, end)]))
        for k in memory.members:
            at = memory.spans[k][0]
            which = next(j for j, (begin, end) in enumerate(bounds) if begin <= at < max(end, begin + 1))
            count, offset = (len(bounds), 0) if k in over else (1, at - bounds[which][0])
            places[k] = Place(first + which, count, tuple(tensors[k].shape), tuple(tensors[k].stride()), offset)
    return pieces, [places[k] for k in range(len(tensors))]


class _Memory(NamedTuple):
    """What lies in one storage: which tensors, where they begin and end, all that is used, and which are all of it."""

    members: list[int]
    spans: dict[int, tuple[int, int]]
    whole: tuple[int, int]
    over: list[int]


def _memories(tensors: Sequence[Tensor]) -> list[_Memory]:
    storages: dict[int, list[int]] = {}
    for k, one in enumerate(tensors):
        storages.setdefault(one.untyped_storage().data_ptr() if one.numel() else -1 - k, []).append(k)
    found: list[_Memory] = []
    for members in storages.values():
        if len({tensors[k].dtype for k in members}) > 1:
            raise Unrecordable("a memory has numbers of two types")
        spans = {k: _span(tensors[k]) for k in members}
        whole = min(begin for begin, _ in spans.values()), max(end for _, end in spans.values())
        widest = [k for k in members if spans[k] == whole]
        flat = all(tensors[k].dim() == 1 and tensors[k].is_contiguous() for k in widest)
        found.append(_Memory(members, spans, whole, widest if flat else []))
    return found


def _laid(shape: Sequence[int], stride: Sequence[int]) -> tuple[list[int], int, bool]:
    """The dimensions in the order in which they lie, how many numbers there are, and whether without gaps."""
    order = sorted(range(len(shape)), key=lambda d: (-stride[d], -shape[d]))
    count, dense = 1, True
    for d in reversed(order):
        dense = dense and (shape[d] == 1 or stride[d] == count)
        count *= shape[d]
    return order, count, dense


def _span(one: Tensor) -> tuple[int, int]:
    """Its first number in its storage, and the one after its last."""
    begin = int(one.storage_offset())
    if not one.numel():
        return begin, begin
    return begin, begin + 1 + sum((n - 1) * s for n, s in zip(one.shape, one.stride(), strict=True))


def _bounds(spans: Sequence[tuple[int, int]], whole: tuple[int, int] | None) -> list[tuple[int, int]]:
    """Where the pieces begin and end: what overlaps is in one; with all that lies between where there is a whole."""
    found: list[tuple[int, int]] = []
    for begin, end in sorted(spans):
        if found and (begin < found[-1][1] or (begin, end) == found[-1]):
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((begin, end))
    if whole is None:
        return found
    edges = sorted({*whole, *(edge for one in found for edge in one)})
    return list(pairwise(edges))


def _piece(of: Tensor, begin: int, end: int, inside: Sequence[Tensor]) -> Tensor:
    """A piece, of the shape of the first tensor that fills it without gaps."""
    shape: Sequence[int] = (end - begin,)
    for one in inside:
        order, count, dense = _laid(one.shape, one.stride())
        if dense and count == end - begin and one.dim() != 1:
            shape = [one.shape[d] for d in order if one.shape[d] != 1] or shape
            break
    stride = torch.empty(tuple(shape), device="meta").stride()
    return torch.empty(0, dtype=of.dtype).set_(of.untyped_storage(), begin, tuple(shape), stride)
