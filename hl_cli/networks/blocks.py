r"""Blocks: the pieces F(x, h; theta) of a state net or an output net, each with its pull-back.

The pull-back of a block at (x, h) takes the costate z of F and gives  (dF/dx)^T z,  (dF/dh)^T z,  (dF/dtheta)^T z:
the three products that Hamilton's equations need (hl_cli.dynamics.hamiltonian). `ModuleBlock` asks autograd for
them, for any torch.nn.Module; the others write them out, with the operations of autograd in its order: the same bits,
two to three times faster.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from hl_cli.dynamics.accumulator import NO_GRADIENT, GradientAccumulator
from hl_cli.dynamics.hamiltonian import Costate, State
from hl_cli.errors import BadInput
from hl_cli.networks.units import Lanes, Local
from hl_cli.networks.units_by_autograd import check_separable, derived

Tape = Any
RENAMED = {"rest": "initial_state", "pull_back": "vjp", "pull_state": "vjp_state"}


class Pulled(NamedTuple):
    """What a costate becomes below the block and before the tick.

    x: (dF/dx)^T z for the block below, None if not wanted, or where F did not use x; h: (dF/dh)^T z for the tick
    before, () for zero, None for a state tensor that F did not use.
    """

    x: Tensor | None
    h: Costate


def input_costate(g: Tensor, weight: Tensor, x: Tensor) -> Tensor:
    """g W, the costate of x in x W^T, as autograd takes it: of an x that lies column by column, so does its costate.

    One number alone lies so; the other product adds up in another order.
    """
    if x.stride(0) == 1 and x.stride(1) == x.shape[0]:
        return torch.mm(weight.t(), g.t()).t()
    return torch.mm(g, weight)


class Block:
    """One block. `memory` says whether F reads h; a block without memory has the empty state before its first tick.

    Call the methods under torch.no_grad(); a block that needs a graph turns autograd on for itself. `start` comes
    before the first tick with new weights and `finish` after the last pull-back with them. invertible: whether it has
    an `inverse`; amplifies: by how much a rounding error grows, at least, in each tick undone by it. conditional:
    whether a pull-back may leave weights without a gradient. separable: whether no unit sees another. passes: whether
    it shows its input beside its states. blind: whether F does not depend on x, which is seen by `initial_state` alone.
    """

    memory = conditional = invertible = separable = passes = blind = False
    amplifies = 1.0

    def __init_subclass__(cls) -> None:
        """Take a block of the user's own that is written with the names of before."""
        for old, new in RENAMED.items():
            if old in cls.__dict__ and new not in cls.__dict__:
                warnings.warn(f"{cls.__name__}.{old} is now called {new}", DeprecationWarning, stacklevel=2)
                setattr(cls, new, cls.__dict__[old])

    def __init__(self, parameters: Sequence[Tensor]) -> None:
        self.parameters = list(parameters)

    def initial_state(self, x: Tensor) -> State:
        """h_0, the state before the first tick, for a batch like x."""
        return ()

    def start(self) -> None:
        """Begin a learning period: compute what follows from the weights alone, if anything."""

    def finish(self, drive: GradientAccumulator) -> None:
        """End it: add what the weights get through that to the drive."""

    def candidate(self, x: Tensor, h: State) -> State:
        """F(x, h), nothing kept."""
        return self.record(x, h)[0]

    def record(self, x: Tensor, h: State, want_x: bool = True) -> tuple[State, Tape]:
        """F(x, h) and a tape of what vjp needs; want_x: whether the costate of x will be asked for."""
        raise TypeError(f"{type(self).__name__} does not say how to record")

    def vjp(
        self, tape: Tape, z: Costate, drive: GradientAccumulator, want_x: bool = True, want_h: bool = True
    ) -> Pulled:
        """Pull the costate z of F back to x and h, and add (dF/dtheta)^T z to the drive.

        z holds a tensor, or None for zero, per state tensor.
        """
        raise TypeError(f"{type(self).__name__} does not say how to pull back")

    def vjp_state(self, tape: Tape, z: Costate) -> Costate:
        """(dF/dh)^T z alone: no drive, and the tape is good for one vjp more."""
        return self.vjp(tape, z, NO_GRADIENT, want_x=False).h

    def lanes(self) -> Lanes:
        """Which weights move which unit, where the block has a `local`."""
        raise TypeError(f"{type(self).__name__} has no units")

    def local(self, tape: Tape) -> Local:
        """The derivative of each unit's own states (hl_cli.networks.units); the tape stays good."""
        raise TypeError(f"{type(self).__name__} does not say the derivative of its units")

    def inverse(self, x: Tensor, h: State) -> tuple[State, Tape]:
        """The state that F took to h, up to rounding, and the tape that record would have made there."""
        raise TypeError(f"{type(self).__name__} has no inverse")


class ModuleBlock(Block):
    """Any torch.nn.Module as a block, pulled back by autograd.

    Without memory the module is called as module(x); with `width` (or a tuple of widths) it has a state and is
    called as module(x, h), or module(x, (h, c, ...)), and returns the next one, like torch.nn.RNNCell or LSTMCell.
    Weights that its graph does not reach have no gradient: they rest (hl_cli.dynamics.accumulator).
    """

    conditional = separable = True

    def __init__(self, module: nn.Module, width: int | tuple[int, ...] | None = None) -> None:
        super().__init__([p for p in module.parameters() if p.requires_grad])
        self.module = module
        self.memory = width is not None
        self.single = not isinstance(width, tuple)
        self._separable = False  # not known yet
        self.widths = () if width is None else (width if isinstance(width, tuple) else (width,))

    def initial_state(self, x: Tensor) -> State:
        """Zeros of (batch, width) per state tensor."""
        return tuple(x.new_zeros(x.shape[0], width) for width in self.widths)

    def _call(self, x: Tensor, h: State) -> State:
        if not self.memory:
            return (self.module(x),)
        out = self.module(x, h[0] if self.single else h)
        return (out,) if self.single else tuple(out)

    def candidate(self, x: Tensor, h: State) -> State:
        """F(x, h) without a graph."""
        return self._call(x, h)

    def record(self, x: Tensor, h: State, want_x: bool = True) -> tuple[State, Tape]:
        """F(x, h) and its autograd graph, cut at x and h."""
        with torch.enable_grad():
            x = x.detach().requires_grad_(want_x and x.is_floating_point())
            h = tuple(s.detach().requires_grad_() for s in h) if self.memory else ()
            out = self._call(x, h)
        return tuple(o.detach() for o in out), (x, h, out)

    def vjp(
        self, tape: Tape, z: Costate, drive: GradientAccumulator, want_x: bool = True, want_h: bool = True
    ) -> Pulled:
        """One vector-Jacobian product through the recorded graph."""
        x, h, out = tape
        past = h if want_h else ()
        wrt = [*((x,) if want_x else ()), *past, *self.parameters]
        got = _products(out, z, wrt)
        first = len(got) - len(self.parameters)
        for parameter, g in zip(self.parameters, got[first:], strict=True):
            if g is None:
                drive.pass_over((parameter,))
            elif g.is_sparse:
                name = next(name for name, p in self.module.named_parameters() if p is parameter)
                raise BadInput(f"weight {name} has a sparse gradient; allowed: dense (sparse=False)")
            else:
                drive.add(parameter, g)
        return Pulled(got[0] if want_x else None, got[first - len(past) : first])

    def vjp_state(self, tape: Tape, z: Costate) -> Costate:
        """The same for h alone; the graph stays."""
        _, h, out = tape
        return _products(out, z, h, retain_graph=True)

    def lanes(self) -> Lanes:
        """Row by row, as PyTorch lays gates."""
        return Lanes(self.parameters, self.widths[0])

    def local(self, tape: Tape) -> Local:
        """By autograd, which is cheap where no unit sees another; anything else is refused at the first tick."""
        (x, h, out), lanes = tape, self.lanes()
        if not self._separable:
            self._separable = check_separable(partial(self._call, x[:1]), h, lanes, type(self.module).__name__)
        return derived(out, h, lanes)


def _products(out: State, z: Costate, wrt: Sequence[Tensor], retain_graph: bool = False) -> Costate:
    """(d out/d wrt)^T z of each, None where the graph does not reach."""
    roots = [(o, s) for o, s in zip(out, z, strict=True) if s is not None and o.requires_grad]
    if not wrt or not roots:
        return (None,) * len(wrt)
    outputs, costates = zip(*roots, strict=True)
    return torch.autograd.grad(outputs, wrt, costates, retain_graph=retain_graph, allow_unused=True)
