r"""The methods that are compared, each one step of a batch of trials with a gradient evaluation. A row is a trial.

With x (k, n), v (k, n), and for each trial a learning rate eps, a momentum mu and what else it has, (k, 1):

    momentum       v' = mu v - eps g(x)                  x' = x + v'
    nag            v' = mu v - eps g(x + mu v)           x' = x + v'
    relativistic   v' = mu v - eps g(x)                  x' = x + v' / sqrt(1 + delta |v'|^2)
    rgd            u = sqrt(mu) v,  y = x + u / sqrt(1 + delta |u|^2),  w = u - eps g(y)
                   x' = alpha y + (1 - alpha) x + w / sqrt(1 + delta |w|^2),   v' = sqrt(mu) w
    leapfrog       rgd with delta = 0, alpha = 1: the dissipative leapfrog of the classical kinetic energy
    adam           m' = b1 m + (1 - b1) g,  s' = b2 s + (1 - b2) g^2
                   x' = x - eps (m' / (1 - b1^t)) / (sqrt(s' / (1 - b2^t)) + 1e-8)

|v| is over all n variables, so that a step is no longer than 1/sqrt(delta), 2/sqrt(delta) for rgd. In HL's terms
v = -tau beta omega, mu = 1 - tau eta, eps = tau^2 beta phi; momentum is `integrator=semi_implicit_euler`.
momentum, relativistic, leapfrog and rgd with alpha = 1 are conformal symplectic; nag, rgd with alpha < 1 and adam are
not. Sources: Franca, Sulam, Robinson, Vidal, arXiv 1903.04100; Kingma and Ba, arXiv 1412.6980.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

Gradient = Callable[[Tensor], Tensor]
Kept = tuple[Tensor, ...]
"""What a method remembers beside x: v, or both moments."""
Settings = Mapping[str, Tensor]
"""The numbers of each trial by their names, (k, 1) each: lr: eps; friction: 1 - mu, 1 - b1; forgetting: 1 - b2."""
EPS = 1e-8


@dataclass(frozen=True)
class Method:
    """step(gradient, x, kept, t, settings) gives the next x and what is kept, t from 1.

    settings: the names of its numbers; slots: how many tensors it keeps; conformal: whether a step is conformal
    symplectic.
    """

    label: str
    step: Callable[[Gradient, Tensor, Kept, int, Settings], tuple[Tensor, Kept]]
    settings: Sequence[str]
    slots: int = 1
    conformal: bool = False


def _bounded(v: Tensor, delta: Tensor) -> Tensor:
    return v / (1 + delta * v.square().sum(1, keepdim=True)).sqrt()


def momentum(gradient: Gradient, x: Tensor, kept: Kept, t: int, s: Settings) -> tuple[Tensor, Kept]:
    """The semi-implicit Euler step of HL, and SGD with momentum."""
    v = (1 - s["friction"]) * kept[0] - s["lr"] * gradient(x)
    return x + v, (v,)


def nag(gradient: Gradient, x: Tensor, kept: Kept, t: int, s: Settings) -> tuple[Tensor, Kept]:
    """Nesterov's accelerated gradient."""
    ahead = (1 - s["friction"]) * kept[0]
    v = ahead - s["lr"] * gradient(x + ahead)
    return x + v, (v,)


def relativistic(gradient: Gradient, x: Tensor, kept: Kept, t: int, s: Settings) -> tuple[Tensor, Kept]:
    """Momentum, with the relativistic velocity."""
    v = (1 - s["friction"]) * kept[0] - s["lr"] * gradient(x)
    return x + _bounded(v, s["delta"]), (v,)


def leapfrog(gradient: Gradient, x: Tensor, kept: Kept, t: int, s: Settings) -> tuple[Tensor, Kept]:
    """Drift, kick, drift, between two half dampings."""
    root = (1 - s["friction"]).sqrt()
    v = root * kept[0]
    y = x + v
    v = v - s["lr"] * gradient(y)
    return y + v, (root * v,)


def rgd(gradient: Gradient, x: Tensor, kept: Kept, t: int, s: Settings) -> tuple[Tensor, Kept]:
    """Relativistic gradient descent: the same with the relativistic velocity; without an alpha it is 1."""
    root = (1 - s["friction"]).sqrt()
    v = root * kept[0]
    y = x + _bounded(v, s["delta"])
    v = v - s["lr"] * gradient(y)
    begin = y if "alpha" not in s else s["alpha"] * y + (1 - s["alpha"]) * x
    return begin + _bounded(v, s["delta"]), (root * v,)


def adam(gradient: Gradient, x: Tensor, kept: Kept, t: int, s: Settings) -> tuple[Tensor, Kept]:
    """Adam."""
    g, b1, b2 = gradient(x), 1 - s["friction"], 1 - s["forgetting"]
    first, second = b1 * kept[0] + s["friction"] * g, b2 * kept[1] + s["forgetting"] * g * g
    return x - s["lr"] / (1 - b1**t) * first / ((second / (1 - b2**t)).sqrt() + EPS), (first, second)


METHODS = {
    "momentum": Method("momentum", momentum, ("lr", "friction"), conformal=True),
    "nag": Method("NAG", nag, ("lr", "friction")),
    "leapfrog": Method("leapfrog", leapfrog, ("lr", "friction"), conformal=True),
    "relativistic": Method("relativistic", relativistic, ("lr", "friction", "delta"), conformal=True),
    "rgd": Method("RGD, alpha = 1", rgd, ("lr", "friction", "delta"), conformal=True),
    "rgd_alpha": Method("RGD, alpha free", rgd, ("lr", "friction", "delta", "alpha")),
    "adam": Method("Adam", adam, ("lr", "friction", "forgetting"), slots=2),
}
