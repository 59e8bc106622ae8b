"""Small files in the formats of MNIST and CIFAR-10, where torchvision looks for them."""

from __future__ import annotations

from hashlib import md5
from pathlib import Path
from pickle import dumps

import pytest
import torch
from torch import Tensor

from hl_cli.streams.vision import datasets

COUNTS = {"train": 10, "t10k": 4}
FILES = [f"{part}-{what}" for part in COUNTS for what in ("images-idx3-ubyte", "labels-idx1-ubyte")]


def pixels(*shape: int) -> Tensor:
    return torch.randint(256, shape, generator=torch.Generator().manual_seed(shape[0]), dtype=torch.uint8)


def idx(values: Tensor) -> bytes:
    header = bytes((0, 0, 8, values.dim())) + b"".join(size.to_bytes(4, "big") for size in values.shape)
    return header + values.numpy().tobytes()


def labels(count: int) -> Tensor:
    return torch.arange(count, dtype=torch.uint8) % 10


def mnist_files(root: Path, kind: str = "MNIST") -> Path:
    folder = root / kind / "raw"
    folder.mkdir(parents=True)
    for part, count in COUNTS.items():
        (folder / f"{part}-images-idx3-ubyte").write_bytes(idx(pixels(count, 28, 28)))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(idx(labels(count)))
    return folder


def cifar_files(root: Path, patch: pytest.MonkeyPatch) -> None:
    """Five training files of two images and a test file of four, and torchvision told of their checksums."""
    folder = root / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    train = pixels(10, 3072).numpy()
    parts = {f"data_batch_{k + 1}": (train[2 * k : 2 * k + 2], [2 * k, 2 * k + 1]) for k in range(5)}
    parts["test_batch"] = (pixels(4, 3072).numpy(), [0, 1, 2, 3])
    for name, (data, classes) in parts.items():
        (folder / name).write_bytes(dumps({"data": data, "labels": classes}))
    (folder / "batches.meta").write_bytes(dumps({"label_names": [str(k) for k in range(10)]}))
    sums = {path.name: md5(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    patch.setattr(datasets().CIFAR10, "train_list", [[name, sums[name]] for name in parts if name != "test_batch"])
    patch.setattr(datasets().CIFAR10, "test_list", [["test_batch", sums["test_batch"]]])
    patch.setitem(datasets().CIFAR10.meta, "md5", sums["batches.meta"])
