"""theta and omega of a net, each in one flat buffer; the parameters are views of theta."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from hl_cli.dynamics.accumulator import NOBODY, GradientAccumulator
from hl_cli.dynamics.rules.base import Loose, UpdateRule, WeightState

ALIGNMENT = 16  # elements: every slot starts at a full cache line, as PyTorch's own tensors do
PIECE = 2**19  # elements: larger nets are updated in pieces that stay in the cache


class _Buffer(NamedTuple):
    flat: Tensor
    slots: dict[Tensor, Tensor]
    drive: GradientAccumulator
    pieces: tuple[Tensor, ...]


class FlatWeights:
    """Takes the parameters over: their data become views of `theta`. `omega` starts at 0, as HL asks.

    theta, omega: (slots padded to ALIGNMENT,), zero in the padding. `drive` sums dH/dtheta in a second buffer like
    omega; `exchange` makes it omega. A parameter keeps its strides (as with channels_last), for its kernels.
    resting: ids of the parameters that have no gradient in this step; waiting: places of those that never had one,
    None before the first step. taken: steps so far; behind: how many of them a parameter rested in, by its place;
    kept: what the rule keeps beside omega, in buffers like it, 0 at first.
    """

    def __init__(self, parameters: Sequence[Tensor], rule: UpdateRule | None = None) -> None:
        self.parameters = list(parameters)
        like = self.parameters[0]
        self.resting = NOBODY
        self.waiting: list[int] | None = None
        self.taken = 0
        self.behind: dict[int, int] = {}
        self._counting = rule is not None and rule.counts
        self._late: list[int] = []
        self._whole: Sequence[tuple[WeightState, bool]] = ((self, False),)
        self._strides = [torch.empty_like(p).stride() for p in self.parameters]
        self._starts, end = [], 0
        for p in self.parameters:
            self._starts.append(end)
            end += -(-p.numel() // ALIGNMENT) * ALIGNMENT
        self.theta = torch.zeros(end, dtype=like.dtype, device=like.device)
        self._omega, self._next = self._buffer(), self._buffer()
        slots = rule.slots if rule is not None else ()
        self.kept: Mapping[str, Tensor] = {name: torch.zeros_like(self.theta) for name in slots}
        self._kept_slots = {name: self.views(flat) for name, flat in self.kept.items()}
        self._slots = self.views(self.theta)
        for p, slot in self._slots.items():
            slot.copy_(p.detach())
            p.data = slot

    def views(self, flat: Tensor) -> dict[Tensor, Tensor]:
        """Parameter to its place in a buffer like theta."""
        found = {}
        for p, start, strides in zip(self.parameters, self._starts, self._strides, strict=True):
            part = flat[start : start + p.numel()]
            slot = part.view(p.shape)
            found[p] = slot if slot.stride() == strides else part.as_strided(p.shape, strides, part.storage_offset())
        return found

    def laid(self, parts: Sequence[Tensor]) -> Tensor:
        """A tensor like theta, of one for each parameter; zero in the padding."""
        pieces: list[Tensor] = []
        for p, part in zip(self.parameters, parts, strict=True):
            pieces.append(part.flatten())
            if padding := -p.numel() % ALIGNMENT:
                pieces.append(part.new_zeros(padding))
        return torch.cat(pieces)

    def _buffer(self) -> _Buffer:
        flat = torch.zeros_like(self.theta)
        slots = self.views(flat)
        return _Buffer(flat, slots, GradientAccumulator(slots), flat.split(PIECE))

    @property
    def omega(self) -> Tensor:
        """The weight costates, flat."""
        return self._omega.flat

    @property
    def drive(self) -> GradientAccumulator:
        """Where dH/dtheta is summed."""
        return self._next.drive

    @property
    def other_drive(self) -> GradientAccumulator:
        """What `exchange` makes the drive."""
        return self._omega.drive

    @property
    def flat_drive(self) -> Tensor:
        """The same, flat."""
        return self._next.flat

    def exchange(self) -> None:
        """Let the drive be omega; what was omega is the buffer of the next drive."""
        self._omega, self._next = self._next, self._omega

    def finish(self) -> None:
        """End a learning period: the drive is whole, and what has no gradient rests."""
        self.rest(self.drive.finish())

    def rest(self, resting: frozenset[int]) -> None:
        """Let these parameters, by id, take no part in the step that comes."""
        self.resting, self._late = resting, []
        self.taken += 1
        if self.waiting or self.waiting is None:
            places = [k for k, p in enumerate(self.parameters) if id(p) in resting] if resting else []
            self._late = [k for k in self.waiting or () if k not in places]
            self.waiting = places if self.waiting is None else [k for k in self.waiting if k in places]
        for k, p in enumerate(self.parameters) if resting else ():
            if id(p) in resting:
                self.behind[k] = self.behind.get(k, 0) + 1

    @property
    def apart(self) -> bool:
        """Whether some have taken fewer steps than others, and their rule counts steps."""
        return self._counting and bool(self.behind)

    def parts(self) -> Sequence[tuple[WeightState, bool]]:
        """All at once; weight by weight where some rest, or begin late."""
        if not self.resting and not self._late and not self.apart:
            return self._whole
        omega, drive = self._omega.slots, self._next.slots

        def kept(p: Tensor) -> dict[str, Tensor]:
            return {name: slots[p] for name, slots in self._kept_slots.items()}

        return [
            (Loose(self._slots[p], omega[p], drive[p], kept(p), self.taken - self.behind.get(k, 0)), k in self._late)
            for k, p in enumerate(self.parameters)
            if id(p) not in self.resting
        ]

    def pieces(self) -> Iterable[tuple[Tensor, Tensor]]:
        """(omega, drive), piece by piece."""
        return zip(self._omega.pieces, self._next.pieces, strict=True)

    def tensors(self, flat: Tensor) -> Sequence[Tensor]:
        """What each parameter has in a buffer like theta, as views, its padding with it."""
        ends = [*self._starts[1:], len(flat)]
        return flat.split([end - start for start, end in zip(self._starts, ends, strict=True)])

    def costates(self) -> dict[Tensor, Tensor]:
        """Parameter to its omega."""
        return self._omega.slots

    def everything(self) -> list[Tensor]:
        """All that a weight step moves, where it lies: theta, omega and the drive in either order, what the rule
        keeps."""
        buffers = sorted((self._omega.flat, self._next.flat), key=id)
        return [self.theta, *buffers, *self.kept.values()]

    def state_of_rule(self) -> dict[str, Any]:
        """What the rule keeps, and who is behind by how many steps, where there is any."""
        kept = {name: [slot.clone() for slot in slots.values()] for name, slots in self._kept_slots.items()}
        return {"rule": {"kept": kept, "behind": dict(self.behind)}} if kept or self.behind else {}

    def go_on(self, state: dict[str, Any], taken: int) -> None:
        """Take what the rule kept out of a state, after so many steps."""
        of = state.get("rule", {"kept": {}, "behind": {}})
        self.taken, self.behind = taken, dict(of["behind"])
        for name, slots in self._kept_slots.items():
            for slot, before in zip(slots.values(), of["kept"][name], strict=True):
                slot.copy_(before)
