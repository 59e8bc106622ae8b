r"""What a run over a sequence keeps, and where the tapes of a tick come from when the costate arrives there.

The sequence is cut into segments. Of each the state at its first tick is kept. Then the tapes of a tick come from

    mode        a segment is          states kept        the tapes of its ticks           at a time    ticks run twice
    store       the sequence          1                  recorded on the way forward      T            none
    segments    sqrt(T) ticks         sqrt(T)            run again from the kept state    sqrt(T)      nearly all
    recompute   one tick              T                  run again from the kept state    1            all but the last
    reverse     anchor_every ticks    T/anchor_every     undone from the state after      1            all, backwards

The first three give the same bits. `reverse` needs blocks with an inverse, and rounds: each tick that is undone adds
its rounding. At the first tick of each segment, the anchor, the rebuilt state is measured against the kept one and
replaced by it; the largest difference met is the drift. (The first tick of all is an anchor: there h is at rest.)

Sources: segments: Chen et al., Training Deep Nets with Sublinear Memory Cost, 2016; reverse: Maclaurin et al.,
Gradient-based Hyperparameter Optimization through Reversible Learning, 2015, and Gomez et al., The Reversible
Residual Network, 2017.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Protocol

from hl_cli.config.models import invertible
from hl_cli.dynamics.hamiltonian import State
from hl_cli.errors import BadInput, NoSuchCombination
from hl_cli.networks.blocks import Block, Tape

SEGMENT: dict[str, Callable[[int], int]] = {
    "store": lambda ticks: ticks,
    "segments": lambda ticks: math.isqrt(ticks - 1) + 1,
    "recompute": lambda ticks: 1,
}
MEMORY = (*SEGMENT, "reverse")
ANCHOR_EVERY = 100  # ticks
JOIN_EVERY = 16  # ticks
AMPLIFIED = 100.0  # times that a rounding error may grow from anchor to anchor: two digits

Ticked = tuple[list[State], list[Tape]]


def join_freed(t: int) -> None:
    """Let the C library join the blocks that were freed, now and then: ticks would else creep through all free memory.

    glibc keeps small blocks apart until someone asks for 1 KB or more, which the ticks of a small net never do.
    """
    if t % JOIN_EVERY == 0:
        bytearray(2048)


class Ticking(Protocol):
    """A chain of blocks over a sequence (hl_cli.networks.sequence.SequenceRun)."""

    def tick(self, t: int, h: list[State], record: bool) -> Ticked:
        """From h before tick t to h after it, and the tapes if asked for."""

    def untick(self, t: int, h: list[State]) -> Ticked:
        """From h after tick t to h before it, and the tapes."""


class Memory:
    """The states kept of `ticks` ticks, one a segment, and the tapes that are there now.

    The last segment is recorded on the way forward; an earlier one is run again from its kept state.
    """

    def __init__(self, ticks: int, segment: int) -> None:
        self.segment = segment
        self.first_recorded = (ticks - 1) // segment * segment
        self.kept: list[list[State]] = []
        self.tapes: list[list[Tape]] = []

    def before(self, t: int, h: list[State]) -> bool:
        """Take the state before tick t, and tell whether that tick is to be recorded."""
        if t % self.segment == 0:
            self.kept.append(h)
        return t >= self.first_recorded

    def tapes_of(self, chain: Ticking, t: int) -> list[Tape]:
        """Give the tapes of tick t away; the ticks are asked for from T to 1."""
        if not self.tapes:
            self.recover(chain, t)
        if t % self.segment == 0:
            self.kept.pop()
        return self.tapes.pop()

    def recover(self, chain: Ticking, t: int) -> None:
        """Run the segment that ends at tick t again, this time with its tapes."""
        h = self.kept[-1]
        for again in range(t // self.segment * self.segment, t + 1):
            h, tapes = chain.tick(again, h, record=True)
            self.tapes.append(tapes)


class Reverse(Memory):
    """Keeps the anchors and the newest state; drift: the largest |rebuilt - kept| met so far."""

    def __init__(self, ticks: int, anchor_every: int) -> None:
        super().__init__(ticks, anchor_every or ticks)
        self.first_recorded = ticks - 1
        self.drift = 0.0
        self.state: list[State] = []

    def before(self, t: int, h: list[State]) -> bool:
        """Hold on to the newest state, too."""
        self.state = h
        join_freed(t)
        return super().before(t, h)

    def recover(self, chain: Ticking, t: int) -> None:
        """Undo tick t; at an anchor, measure what came out, and go on from the state that was kept."""
        join_freed(t)
        self.state, tapes = chain.untick(t, self.state)
        if t % self.segment == 0:
            kept = self.kept[-1]
            for there, here in zip(kept, self.state, strict=True):
                for a, b in zip(there, here, strict=False):  # a block without memory is rebuilt as ()
                    gap = float((a - b).abs().max())
                    self.drift = self.drift if gap <= self.drift else gap  # a gap that is no number is kept
            self.state = kept
            _, tapes = chain.tick(t, kept, record=True)
        self.tapes.append(tapes)


def memory_of(mode: str, ticks: int, anchor_every: int = ANCHOR_EVERY) -> Memory:
    """One of MEMORY over so many ticks; anchor_every: ticks between the anchors of `reverse`, 0 for the first alone."""
    return Reverse(ticks, anchor_every) if mode == "reverse" else Memory(ticks, SEGMENT[mode](ticks))


def check_memory(mode: str, state: Sequence[Block], leak: float = 1.0, anchor_every: int = ANCHOR_EVERY) -> None:
    """Raise BadInput for a mode that there is not, or that these blocks of a state net do not allow."""
    if mode not in MEMORY:
        raise BadInput(f"checkpointing={mode}: allowed: {', '.join(MEMORY)}")
    if mode != "reverse":
        return
    if anchor_every < 0:
        raise BadInput(f"anchor_every={anchor_every}: allowed: a number >= 0")
    remembering = [block for block in state if block.memory]
    fixed = [type(block).__name__ for block in remembering if not block.invertible]
    nets = f"{invertible()} with split=state, state_output; or another checkpointing="
    if fixed:
        raise NoSuchCombination(f"checkpointing=reverse: {fixed[0]} has no inverse; allowed: {nets}")
    if not remembering:
        raise NoSuchCombination(f"checkpointing=reverse: there is no state net that remembers; allowed: {nets}")
    if leak != 1.0:
        raise NoSuchCombination(
            f"checkpointing=reverse: leaky neurons (tau rate = {leak:g}) have no inverse; allowed: tau rate = 1"
        )
    worst = max(block.amplifies for block in remembering)
    if worst > 1.0 and not 0 < anchor_every <= math.log(AMPLIFIED) / math.log(worst):
        most = int(math.log(AMPLIFIED) / math.log(worst))
        enough = f"anchor_every of 1 to {most}" if most else "another memory"
        raise BadInput(
            f"checkpointing=reverse: anchor_every={anchor_every} lets damping={1 / worst:g} amplify rounding more than "
            f"{AMPLIFIED:g} times; allowed: {enough}"
        )
