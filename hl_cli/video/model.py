r"""A variational autoencoder over frames, whose code z is the start of a motion.

    encoder   the first frames, flat -> hidden -> hidden -> mean and log variance of z      (elu)
    start     z -> hidden -> the state of the arm, at the first frame
    decoder   q -> half -> hidden -> pixels, sigmoid                                        (elu)

The decoder sees q alone, never p: that is what makes q a position.

Source: Toth, Rezende, Jaegle, Racaniere, Botev, Higgins, Hamiltonian Generative Networks (ICLR 2020, arXiv 1909.13789).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import elu

from hl_cli.replicates.layers import Weights, affine, drawn
from hl_cli.video.latents import Latent, State


@dataclass(frozen=True)
class Sizes:
    """pixels: of a frame; shown: first frames that the encoder sees; code: of z; n: of q; hidden, units: of layers.

    hidden: of encoder and decoder; units: of the start and of the motion.
    """

    pixels: int
    shown: int
    code: int
    n: int
    hidden: int
    units: int


class Code(NamedTuple):
    """z's distribution: mean and log variance, (r, b, code) each."""

    mean: Tensor
    log_variance: Tensor

    def sample(self, noise: Tensor) -> Tensor:
        """Mean + deviation * noise."""
        return self.mean + (self.log_variance / 2).exp() * noise

    def divergence(self) -> Tensor:
        """KL from N(0, I), (r, b)."""
        return (self.mean.square() + self.log_variance.exp() - 1 - self.log_variance).sum(-1) / 2


@dataclass(frozen=True)
class Model:
    """One arm."""

    latent: Latent
    sizes: Sizes

    def draw(self, generators: Sequence[torch.Generator]) -> Weights:
        """Weights, a generator a replicate. The encoder is drawn first: it is the same for all arms."""
        of, latent = self.sizes, self.latent
        layers = {
            "encoder": (of.pixels * of.shown, of.hidden, of.hidden, 2 * of.code),
            "decoder": (of.n, of.hidden // 2, of.hidden, of.pixels),
            "start": (of.code, of.units, latent.width(of.n, of.units)),
        }
        found: Weights = {}
        for name, sizes in layers.items():
            for k in range(len(sizes) - 1):
                weight, bias = drawn(generators, sizes[k], sizes[k + 1])
                found[f"{name}_{k}_weight"], found[f"{name}_{k}_bias"] = weight, bias
        return {**found, **latent.draw(of.n, of.units, generators)}

    def encode(self, weights: Weights, frames: Tensor) -> Code:
        """frames: (r, b, shown, pixels)."""
        mean, log_variance = _layers(weights, "encoder", 3, frames.flatten(2)).chunk(2, -1)
        return Code(mean, log_variance)

    def start(self, weights: Weights, z: Tensor) -> State:
        """The state at the first frame."""
        return self.latent.begin(weights, _layers(weights, "start", 2, z))

    def decode(self, weights: Weights, q: Tensor) -> Tensor:
        """Frames (r, .., pixels) in [0, 1] of q, (r, .., n)."""
        return _layers(weights, "decoder", 3, q.flatten(1, -2)).sigmoid().unflatten(1, q.shape[1:-1])

    def rollout(self, weights: Weights, state: State, h: float, steps: int) -> list[State]:
        """The state at the start and after each step."""
        found = [state]
        for _ in range(steps):
            found.append(self.latent.step(weights, found[-1], h))
        return found

    def positions(self, weights: Weights, states: Sequence[State]) -> Tensor:
        """What the decoder sees of them, (r, b, time, n)."""
        return torch.stack([self.latent.show(weights, of) for of in states], 2)


def _layers(weights: Weights, name: str, count: int, x: Tensor) -> Tensor:
    for k in range(count - 1):
        x = elu(affine(x, weights[f"{name}_{k}_weight"], weights[f"{name}_{k}_bias"]))
    return affine(x, weights[f"{name}_{count - 1}_weight"], weights[f"{name}_{count - 1}_bias"])
