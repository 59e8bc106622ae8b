"""Cut a feed-forward net into the blocks of a scheme: runs of layers, each of which is then on its own.

Under split=state every layer is a state block. Under split=state_output the output net is read at the tick of the top
state block, so it sits with that block. Under split=output there is no state that could be passed on.
"""

from __future__ import annotations

from collections.abc import Sequence

from hl_cli.config.models import without_a_state
from hl_cli.errors import BadInput, NoSuchCombination
from hl_cli.networks.blocks import Block
from hl_cli.networks.splits import Split

Cut = int | Sequence[int] | None


def cut_into_blocks(split: Split, cut: Cut = None, where: str = "scheme") -> list[list[Block]]:
    """Return the layers of the state net that each block has, bottom first.

    cut: how many blocks, as equal as can be; or the layers (from 1) before which to cut; None: a layer a block.
    where: what an error names. Raises BadInput for a net that cannot be cut, or not in this way.
    """
    if not split.state:
        raise NoSuchCombination(
            f"{where}: split=output has no state net to cut into blocks; allowed: split=state, state_output"
        )
    if any(block.memory for block in split.blocks):
        raise NoSuchCombination(
            f"{where}: blocks of their own need a feed-forward net, and this one is recurrent; allowed: "
            f"{without_a_state()}"
        )
    if any(not block.parameters for block in split.blocks):
        raise NoSuchCombination(f"{where}: a block of the net has no weights; allowed: join it with one that has")
    return [list(split.state[a:b]) for a, b in _ranges(len(split.state), cut, where)]


def _ranges(layers: int, cut: Cut, where: str) -> list[tuple[int, int]]:
    """First and last layer (not included) of each block."""
    if cut is None:
        starts = list(range(layers))
    elif isinstance(cut, int):
        if not 1 <= cut <= layers:
            raise BadInput(f"{where}.blocks={cut}: allowed: 1 to {layers}, the layers of the state net")
        starts = [k * layers // cut for k in range(cut)]
    else:
        starts = [0, *cut]
        if starts != sorted(set(starts)) or starts[-1] >= layers:
            raise BadInput(
                f"{where}.blocks={list(cut)}: allowed: layers before which to cut, rising, from 1 to {layers - 1}"
            )
    return list(zip(starts, [*starts[1:], layers], strict=True))


def share_out(costs: Sequence[int], parts: int) -> list[range]:
    """Deal consecutive items out to so many parts, each with one at least, so that the costliest part costs least.

    A pipeline takes the number of weights of a block for its cost: true of dense layers, not of convolutions, whose
    weights are used at many places.

    >>> share_out([1, 4, 4, 4, 4, 1], 2)
    [range(0, 3), range(3, 6)]
    """
    count = len(costs)
    best: dict[tuple[int, int], tuple[int, int]] = {(count, 0): (0, count)}  # from item, parts left: cost, end of part
    for left in range(1, parts + 1):
        for start in range(count - left, -1, -1):
            ends = [end for end in range(start + 1, count + 1) if (end, left - 1) in best]
            found = [(max(sum(costs[start:end]), best[end, left - 1][0]), end) for end in ends]
            if found:
                best[start, left] = min(found)
    dealt, start = [], 0
    for left in range(parts, 0, -1):
        end = best[start, left][1]
        dealt.append(range(start, end))
        start = end
    return dealt
