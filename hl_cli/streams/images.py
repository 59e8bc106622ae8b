"""Images of torchvision as endless streams: mnist, fashion_mnist, kmnist, cifar10.

The training part is the stream, the test set is held out. Pixels are kept as bytes and become 0..1 when they are
given. An image of C x H x W is 1 tick of C H W, H ticks of W C (rows), or H W ticks of C (pixels).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from omegaconf import MISSING

from hl_cli.config.fields import described
from hl_cli.config.registry import choice
from hl_cli.config.stream import StreamConfig
from hl_cli.errors import BadInput
from hl_cli.streams.image_files import CLASSES, files_of, load
from hl_cli.streams.shuffled import ORDER, Shuffled, shuffled
from hl_cli.types import Sample, Task


@choice("stream", home="ImageStream", seeded=True)
@dataclass
class ImagesConfig(StreamConfig):
    """Images of torchvision, reshuffled each epoch; its test set is held out."""

    dataset: str = described(MISSING, "data set", choices=("mnist", "fashion_mnist", "kmnist", "cifar10"))
    ticks: int = described(
        1, "ticks that an image is cut into: 1, its height (rows), or height x width (pixels)", least=1
    )
    root: str = described("data", "folder that holds or receives the files")
    download: bool = described(False, "fetch files that are missing")
    permuted: bool = described(False, "whether the pixels stand in another order, one that the seed draws for all")


@dataclass(frozen=True)
class Images:
    """A data set: its class in torchvision, (channels, height, width) of an image, where it is from."""

    kind: str
    shape: tuple[int, int, int]
    origin: str
    licence: str


DATASETS = {
    "mnist": Images("MNIST", (1, 28, 28), "MNIST, Y. LeCun, C. Cortes, C. J. C. Burges 1998", "CC BY-SA 3.0"),
    "fashion_mnist": Images(
        "FashionMNIST", (1, 28, 28), "Fashion-MNIST, H. Xiao, K. Rasul, R. Vollgraf 2017, Zalando", "MIT"
    ),
    "kmnist": Images(
        "KMNIST",
        (1, 28, 28),
        "KMNIST, CODH 2018, adapted from the Kuzushiji dataset of NIJL and others, doi:10.20676/00000341",
        "CC BY-SA 4.0",
    ),
    "cifar10": Images("CIFAR10", (3, 32, 32), "CIFAR-10, A. Krizhevsky 2009", "none stated"),
}


class ImageStream(Shuffled):
    """An endless stream over the training images of one data set, reshuffled each epoch.

    ticks: 1, the height (rows) or height x width (pixels); root: folder with the files; download: whether missing
    ones are fetched; permuted: whether the pixels change places, the same for all images, before they are cut. Raises
    BadInput for other ticks, and for files that are missing or damaged.
    """

    def __init__(
        self,
        dataset: str,
        ticks: int = 1,
        root: str = "data",
        download: bool = False,
        permuted: bool = False,
        batch_size: int = 1,
        seed: int = 0,
        dtype: torch.dtype = torch.float32,
        device: str = "cpu",
    ) -> None:
        if dataset not in DATASETS:
            raise BadInput(f"stream.dataset={dataset}: no such data set; allowed: {', '.join(DATASETS)}")
        about = DATASETS[dataset]
        channels, height, width = about.shape
        if ticks not in (1, height, height * width):
            raise BadInput(
                f"stream.ticks={ticks}: {dataset} has images of {height}x{width} pixels; "
                f"allowed: 1, {height} (rows), {height * width} (pixels)"
            )
        parts = []
        for pixels, labels in load(about.kind, about.shape, root, download):
            if permuted:
                places = shuffled(height * width, seed, ORDER)
                pixels = pixels.flatten(1, 2)[:, places].view_as(pixels)
            ordered = pixels.movedim(-1, 1) if ticks == 1 else pixels  # channel by channel, or pixel by pixel
            parts.append(Sample(ordered.reshape(len(pixels), ticks, -1).to(device), labels.to(device)))
        self.name, self.licence, self.files = dataset, about.licence, files_of(about.kind, root)
        self.origin = f"{about.origin}, {channels}x{height}x{width} pixels in 0..1{', permuted' * permuted}"
        self.image = about.shape if ticks == 1 or channels == 1 else None
        super().__init__(parts[0], parts[1], Task("classes", CLASSES), batch_size, seed, dtype, 1 / 255)
