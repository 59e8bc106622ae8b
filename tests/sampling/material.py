"""Log densities as a user writes them."""

from __future__ import annotations

from torch import Tensor


def log_density(q: Tensor) -> Tensor:
    """Three numbers, not independent."""
    return -(q[0].square() + (q[1] - q[0]).square() + q[2].square() * (1 + q[0].square())) / 2


def points(q: Tensor) -> Tensor:
    """Not a number."""
    return q


def nowhere(q: Tensor) -> Tensor:
    """Its density is 0 everywhere."""
    return q.sum() - float("inf")


def raising(q: Tensor) -> Tensor:
    raise KeyError("q9")


def forgotten(q: Tensor) -> Tensor:
    """It does not depend on the last number."""
    return -q[:-1].square().sum() / 2


def constant(q: Tensor) -> Tensor:
    """Flat."""
    return q.new_ones(())


def kinked(q: Tensor) -> Tensor:
    """Its slope in q2 is no number."""
    return -q.square().sum() / 2 - (q[1] - q[1]).sqrt()


def steep(q: Tensor) -> Tensor:
    """Its slope is finite, its curvature in q2 is not."""
    return -q.square().sum() / 2 - (q[1] - q[1]).abs().pow(1.5)
