"""The text of a program whose parts follow one another only as long as the numbers between them are finite."""

from __future__ import annotations

from collections.abc import Callable, Sequence


def guarded(
    parts: Sequence[Sequence[str]], numbers: Sequence[tuple[str, str]], left: Sequence[str], new: Callable[[], str]
) -> tuple[list[str], list[str], list[str]]:
    """Lines of the parts, one more than there are numbers, each but the first in a block within that before it.

    numbers: names of a number, and of a tensor, or nothing; left: names of tensors that the whole leaves; new: a name
    that nobody has. A block is entered where the number is finite, or all of its tensor is. Returns the lines, and the
    names of what is left and of the numbers: of what was not entered, %in0 and the number that stopped.
    """
    names = list(left)  # as the block around knows them
    later: list[str] = []
    lines = list(parts[-1])
    for (number, of), before in zip(reversed(numbers), reversed(parts[:-1]), strict=True):
        inside = _made_in(lines)
        mine = [k for k, name in enumerate(names) if name in inside]
        given = [*(names[k] for k in mine), *later]
        kinds = ["Tensor"] * len(mine) + ["float"] * len(later)
        outs = [new() for _ in given]
        typed = ", ".join(f"{out} : {kind}" for out, kind in zip(outs, kinds, strict=True))
        missing = ", ".join("%in0" if kind == "Tensor" else number for kind in kinds)
        fine, asked = _finite(number, of, new)
        lines = [
            *before,
            *asked,
            f"{typed}{' = ' if typed else ''}prim::If({fine})",
            *("  block0():", *(f"    {line}" for line in lines), f"    -> ({', '.join(given)})"),
            *("  block1():", f"    -> ({missing})"),
        ]
        for k, out in zip(mine, outs, strict=False):
            names[k] = out
        later = [number, *outs[len(mine) :]]
    return lines, names, later


def _finite(number: str, of: str, new: Callable[[], str]) -> tuple[str, list[str]]:
    """The name of whether the number is finite, or all of the tensor `of`, if there is one; and the lines of that."""
    finite, fine, each, every, one = (new() for _ in range(5))
    lines = [f"{finite} : bool = aten::isfinite({number})"]
    if not of:
        return finite, lines
    return fine, [
        *lines,
        f"{fine} : bool = prim::If({finite})",
        *("  block0():", f"    -> ({finite})", "  block1():"),
        f"    {each} : Tensor = aten::isfinite({of})",
        f"    {every} : Tensor = aten::all({each})",
        *(f"    {one} : bool = aten::Bool({every})", f"    -> ({one})"),
    ]


def _made_in(lines: Sequence[str]) -> set[str]:
    """The names that lines make, those within their blocks not."""
    makers = (line.split(" = ")[0] for line in lines if not line.startswith(" ") and " = " in line)
    return {part.split(":")[0].strip() for maker in makers for part in maker.split(",")}
