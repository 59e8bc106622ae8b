"""Parameters that step together: small ones side by side in flat buffers, large ones piece by piece where they lie.

The parameters stay what they are: each step copies gradients (and, of small parameters, weights) in and weights out.
A step may therefore follow whatever was done to `p.data` meanwhile: loaded, shared, averaged, assigned anew.

The costates of a parameter of less than 32 bits are float32. Its weights are then made float32 for the step and
rounded after it; so are its gradients.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from hl_cli.dynamics.rules.base import Loose, WeightState
from hl_cli.dynamics.weights import ALIGNMENT

PIECE = 2**17  # elements that a core moves at a time: theta, omega, g and what is kept then stay in its cache
ON_DEVICE = 2**24  # elsewhere a launch costs more than a cache saves
SMALL = 4  # a parameter with less than this part of a piece shares a bucket

Step = Callable[[WeightState], None]
State = dict[str, Any]
Member = tuple[Tensor, State]


def costate_dtype(parameter: Tensor) -> torch.dtype:
    """float32 for parameters of less than 32 bits, else that of the parameter."""
    return torch.float32 if parameter.dtype.itemsize < 4 else parameter.dtype


def piece_of(device: torch.device) -> int:
    """Elements to move at once."""
    return PIECE * torch.get_num_threads() if device.type == "cpu" else ON_DEVICE


class Scratch:
    """Buffers that all buckets use in turn, so that they stay in the cache."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, torch.dtype, torch.device], Tensor] = {}

    def __call__(self, name: str, like: Tensor, size: int) -> Tensor:
        """A flat buffer of this size, with the dtype and device of another; what it holds is left over."""
        key = (name, like.dtype, like.device)
        if key not in self._held or self._held[key].numel() < size:
            self._held[key] = torch.zeros(size, dtype=like.dtype, device=like.device)
        return self._held[key][:size]


class Bucket:
    """Small parameters side by side. Their states are views of its buffers."""

    def __init__(self, members: Sequence[Member], slots: Sequence[str], use: Scratch) -> None:
        self.parameters, self.states = [p for p, _ in members], [state for _, state in members]
        self._starts, size = [], 0
        for p in self.parameters:
            self._starts.append(size)
            size += -(-p.numel() // ALIGNMENT) * ALIGNMENT
        like = torch.empty(0, dtype=costate_dtype(self.parameters[0]), device=self.parameters[0].device)
        self.omega, *kept = (self._laid(name, like.new_zeros(size)) for name in ("omega", *slots))
        self.kept = dict(zip(slots, kept, strict=True))
        self.theta, self.drive = use("theta", like, size), use("drive", like, size)
        self._thetas, self._drives = self._views(self.theta), self._views(self.drive)

    def _views(self, flat: Tensor) -> list[Tensor]:
        parts = (flat[start : start + p.numel()] for p, start in zip(self.parameters, self._starts, strict=True))
        return [part.view(p.shape) for p, part in zip(self.parameters, parts, strict=True)]

    def _laid(self, name: str, flat: Tensor) -> Tensor:
        for view, state in zip(self._views(flat), self.states, strict=True):
            if name in state:
                view.copy_(state[name])
            state[name] = view
        return flat

    def move(self, step: Step, writes: bool) -> None:
        """Take one step; writes: whether it writes into the gradient, which is a copy here."""
        step(self.load())
        self.store()

    def load(self) -> Loose:
        """Weights and gradients as they are, before a step."""
        torch._foreach_copy_(self._thetas, self.parameters)
        torch._foreach_copy_(self._drives, [p.grad for p in self.parameters])  # type: ignore[misc]
        return _Several(self)

    def store(self) -> None:
        """The step has been taken."""
        torch._foreach_copy_(self.parameters, self._thetas)
        for state in self.states:
            state["taken"] += 1

    def tensors(self, flat: Tensor) -> Sequence[Tensor]:
        """The part of each parameter in something like omega."""
        return [flat[start : start + p.numel()] for p, start in zip(self.parameters, self._starts, strict=True)]


class _Several(Loose):
    """The weights of a bucket."""

    def __init__(self, of: Bucket) -> None:
        super().__init__(of.theta, of.omega, of.drive, of.kept, of.states[0]["taken"] + 1)
        self._of = of

    def tensors(self, flat: Tensor) -> Sequence[Tensor]:
        """Its parameters."""
        return self._of.tensors(flat)


class Large:
    """One parameter, moved where it lies, piece by piece. Its gradient is copied where the rule writes into it."""

    def __init__(self, parameter: Tensor, state: State, slots: Sequence[str], use: Scratch) -> None:
        self.parameter, self.state = parameter, state
        self.size = piece_of(parameter.device) if parameter.is_contiguous() else parameter.numel()
        names = ("omega", *slots)
        for name in names:
            if name not in state:
                state[name] = torch.zeros_like(parameter, dtype=costate_dtype(parameter), requires_grad=False)
        self._pieces = []
        for parts in zip(*(self._cut(state[name]) for name in names), strict=True):
            theta, drive = (use(name, parts[0], parts[0].numel()).view(parts[0].shape) for name in ("theta", "drive"))
            self._pieces.append((theta, parts[0], drive, dict(zip(slots, parts[1:], strict=True))))

    def _cut(self, whole: Tensor) -> Sequence[Tensor]:
        return (whole,) if whole.numel() <= self.size else whole.contiguous().view(-1).split(self.size)

    def move(self, step: Step, writes: bool) -> None:
        """Take one step; writes: whether it writes into the gradient."""
        p, g = self.parameter.detach(), self.parameter.grad
        assert g is not None
        whole = p if p.numel() <= self.size else p.contiguous()  # a copy where data of other strides were assigned
        self.state["taken"] = taken = self.state["taken"] + 1
        for x, drive, piece in zip(self._cut(whole), self._cut(g), self._pieces, strict=True):
            theta, omega, room, kept = piece
            own = x.dtype == omega.dtype
            if writes or not own:
                drive = room.copy_(drive)
            step(Loose(x if own else theta.copy_(x), omega, drive, kept, taken))
            if not own:
                x.copy_(theta)
        if whole is not p:
            p.copy_(whole)


def arranged(members: Iterable[Member], slots: Sequence[str], use: Scratch | None) -> list[Bucket | Large]:
    """Put parameters that have a gradient into buckets; those of a bucket have taken equally many steps.

    use: buffers that they use in turn; None: they move together, so that each is whole and has buffers of its own.
    """
    large: list[Bucket | Large] = []
    open_: dict[tuple[torch.device, torch.dtype, int], list[Member]] = {}
    full: list[list[Member]] = []
    for p, state in members:
        state.setdefault("taken", 0)
        if use and p.numel() * SMALL > piece_of(p.device):
            large.append(Large(p, state, slots, use))
            continue
        alike = open_.setdefault((p.device, p.dtype, state["taken"]), [])
        if use and sum(q.numel() for q, _ in alike) + p.numel() > piece_of(p.device):
            full.append(alike.copy())
            alike.clear()
        alike.append((p, state))
    return [*(Bucket(alike, slots, use or Scratch()) for alike in (*full, *open_.values())), *large]
