"""Complex numbers as pairs of real tensors, for a compiler that knows none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from hl_cli.engine.recorder import Unrecordable


class Complex(NamedTuple):
    """A complex tensor: its real and its imaginary part, of its shape; or a number, of two."""

    re: Any
    im: Any

    @classmethod
    def of(cls, pairs: Tensor) -> Complex:
        """Of (..., 2), as torch.view_as_real gives it, of which the parts are views."""
        return cls(pairs.select(-1, 0), pairs.select(-1, 1))

    def pairs(self) -> Tensor:
        """As (..., 2)."""
        return torch.stack((self.re, self.im), -1)

    def copy_(self, other: Complex) -> None:
        """Take the numbers of another, which may be smaller and is then repeated."""
        self.re.copy_(other.re)
        self.im.copy_(other.im)


def known(name: str, args: Sequence[Any]) -> bool:
    """Whether a call, of this name in its schema, has to do with complex numbers."""
    return name in MADE or any(isinstance(one, Complex) for one in args)


def called(name: str, args: Sequence[Any], named: dict[str, Any]) -> Any:
    """What it gives; raises Unrecordable for a call that is not known here."""
    args = [Complex(one.real, one.imag) if isinstance(one, complex) else one for one in args]
    out, factor = named.get("out"), named.get("alpha", named.get("value", 1))
    if name == "aten::view_as_real":
        return args[0].pairs()
    if name == "aten::copy_":
        args[0].copy_(_complex(args[1]))
        return args[0]
    make = MADE.get(name) or CALLS.get(name)
    if make is None:
        raise Unrecordable(f"{name} takes complex numbers")
    made = make(*args, factor) if name in SCALED else make(*args)
    if name.endswith("_"):
        out = args[0]
    if out is None:
        return made
    out.copy_(_complex(made))
    return out


def _complex(one: Any) -> Complex:
    return one if isinstance(one, Complex) else Complex(one, torch.zeros_like(one))


def _times(a: Any, b: Any) -> Any:
    if isinstance(a, Complex) and isinstance(b, Complex):
        return Complex(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re)
    if isinstance(a, Complex):
        return Complex(a.re * b, a.im * b)
    return Complex(a * b.re, a * b.im) if isinstance(b, Complex) else a * b


def _plus(a: Any, b: Any, alpha: Any = 1) -> Complex:
    a, b = _complex(a), _complex(b)
    return Complex(a.re + b.re * alpha, a.im + b.im * alpha)


def _conjugate(a: Complex) -> Complex:
    return Complex(a.re.clone(), -a.im)


def _sum(a: Complex, dim: Any, keepdim: bool = False, dtype: Any = None) -> Complex:
    return Complex(a.re.sum(dim, keepdim), a.im.sum(dim, keepdim))


def _sign(a: Complex) -> Complex:
    """a / |a|, and 0 of 0."""
    size = (a.re * a.re + a.im * a.im).sqrt()
    well = size > 0
    size = torch.where(well, size, torch.ones_like(size))
    return Complex(a.re / size, a.im / size)


MADE: dict[str, Callable[..., Complex]] = {
    "aten::polar": lambda size, angle: Complex(size * angle.cos(), size * angle.sin()),
    "aten::complex": Complex,
    "aten::view_as_complex": Complex.of,
}
"""Calls that make complex numbers of real ones."""
CALLS: dict[str, Callable[..., Any]] = {
    "aten::mul": _times,
    "aten::add": _plus,
    "aten::sub": lambda a, b, alpha=1: _plus(a, b, -alpha),
    "aten::addcmul": lambda a, b, c, value=1: _plus(a, _times(b, c), value),
    "aten::neg": lambda a: Complex(-a.re, -a.im),
    "aten::sgn": _sign,
    "aten::sum": _sum,
    "aten::clone": lambda a, *_: Complex(a.re.clone(), a.im.clone()),
    "aten::detach": lambda a: a,
    "aten::_conj": _conjugate,
    "aten::_conj_physical": _conjugate,
    "aten::conj_physical": _conjugate,
    "aten::conj_physical_": _conjugate,
}
SCALED = ("aten::add", "aten::sub", "aten::addcmul")
