"""Handwritten digits, reduced to their principal components."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from torch import Tensor

from hl_cli.config.data import DataConfig
from hl_cli.config.fields import described
from hl_cli.config.registry import choice
from hl_cli.density.data.base import Parts, Rows

SIDE, WHITE = 8, 16.0


@choice("data", "digits", home="Digits")
@dataclass
class DigitsConfig(DataConfig):
    """1797 handwritten digits of 8x8 pixels (UCI, from the scikit-learn wheel), reduced by PCA of the training rows."""

    n: int = described(2, "principal components, each scaled to variance 1", least=1, most=60)


class Digits(Rows):
    """n principal components; a point goes back to a picture."""

    def __init__(self, n: int = 2) -> None:
        pixels, _ = load_digits(return_X_y=True)
        super().__init__(torch.from_numpy(pixels) / WHITE)
        self.n, self.origin = n, f"{n} principal components of 1797 handwritten digits (UCI)"

    def parts(self, generator: torch.Generator) -> Parts:
        """The components are those of the training rows."""
        train, apart, held_out = self.shares(generator)
        of = PCA(self.n, whiten=True, svd_solver="full").fit(train.numpy())
        one, two, three = (torch.from_numpy(of.transform(rows.numpy())) for rows in (train, apart, held_out))

        def pictures(x: Tensor) -> Tensor:
            pixels = torch.from_numpy(of.inverse_transform(x.double().numpy()))
            return pixels.clamp(0, 1).view(-1, SIDE, SIDE)

        return Parts(one, two, three, one[: len(three)], pictures)
