"""Reads the images that torchvision keeps in files, and says in one line what is wrong with them.

Files lie where torchvision puts them: ROOT/MNIST/raw (FashionMNIST, KMNIST likewise), ROOT/cifar-10-batches-py.
"""

from __future__ import annotations

import hashlib
import math
import sys
from contextlib import redirect_stdout
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from hl_cli.errors import BadInput
from hl_cli.streams.vision import datasets

CLASSES = 10
PARTS = ("training", "test")


def load(kind: str, shape: tuple[int, int, int], root: str, download: bool) -> list[tuple[Tensor, Tensor]]:
    """Training and test part, each as bytes (n, height, width, channels) and labels (n,) of 0..9; do not change them.

    kind: class in torchvision.datasets; shape: what an image must have, (channels, height, width); root: folder;
    download: fetch missing files. Raises BadInput for anything missing, damaged, unreadable or not to be fetched.
    """
    folder = _folder(kind, root)
    wrong, cause = None, None
    datasets()  # its warning is no fault of the files
    try:
        parts = _read(kind, str(Path(root).expanduser().absolute()), download)
        wrong = next(filter(None, (_misfit(*part, shape, name) for part, name in zip(parts, PARTS, strict=True))), None)
    except Exception as error:  # torchvision raises whatever it meets in a file, or on the way to it
        said = f"{type(error).__name__}: {error}"
        damage = _damage(kind, root)
        wrong = f"{damage} ({said})" if damage and download else damage or said
        cause = error
    if wrong is None:
        return parts
    line = (
        f"stream.root={root}: {wrong}; allowed: the files of {kind} in {folder}; "
        "stream.download=true fetches those that are not there"
    )
    raise BadInput(" ".join(line.split())) from cause


def files_of(kind: str, root: str) -> tuple[Path, ...]:
    """The files that `load` reads."""
    return tuple(_folder(kind, root).expanduser().absolute() / name for name, _ in _checked_files(kind))


def _folder(kind: str, root: str) -> Path:
    return Path(root) / ("cifar-10-batches-py" if kind == "CIFAR10" else f"{kind}/raw")


def _checked_files(kind: str) -> list[tuple[str, str | None]]:
    """Each file by its name, with its MD5 where torchvision knows one."""
    found = getattr(datasets(), kind)
    if kind == "CIFAR10":
        return [*found.train_list, *found.test_list, (found.meta["filename"], found.meta["md5"])]
    return [(name.removesuffix(".gz"), None) for name, _ in found.resources]


@lru_cache(maxsize=8)
def _read(kind: str, root: str, download: bool) -> list[tuple[Tensor, Tensor]]:
    """Read once what several streams of a run show."""
    parts = []
    for train in (True, False):
        with redirect_stdout(sys.stderr):
            part = getattr(datasets(), kind)(root, train=train, download=download)
        pixels = torch.as_tensor(part.data)
        parts.append((pixels if pixels.dim() == 4 else pixels.unsqueeze(-1), torch.as_tensor(part.targets)))
    return parts


def _misfit(pixels: Tensor, labels: Tensor, shape: tuple[int, int, int], name: str) -> str | None:
    """Say how a part that could be read differs from what it should be."""
    channels, height, width = shape
    if pixels.dtype != torch.uint8 or pixels.shape[1:] != (height, width, channels):
        found = "x".join(str(size) for size in pixels.shape[1:])
        return f"the {name} images are {found} ({pixels.dtype}), not {height}x{width}x{channels} bytes"
    if labels.shape != pixels.shape[:1]:
        return f"there are {len(pixels)} {name} images and {labels.numel()} {name} labels"
    if not 0 <= int(labels.min()) <= int(labels.max()) < CLASSES:
        at = int(((labels < 0) | (labels >= CLASSES)).nonzero()[0])
        return f"{name} label {at} is {int(labels[at])}, not in 0..{CLASSES - 1}"
    return None


def _damage(kind: str, root: str) -> str | None:
    """Name the first file that cannot be read or is not what it should be, and how; None if all look well."""
    folder = _folder(kind, root).expanduser()
    for name, checksum in _checked_files(kind):
        try:
            data = (folder / name).read_bytes()
        except (OSError, ValueError) as error:
            return f"{folder / name}: {getattr(error, 'strerror', None) or error}"
        if checksum is None:
            wrong = _idx_damage(data, dimensions=3 if "images" in name else 1)
        else:
            wrong = None if hashlib.md5(data, usedforsecurity=False).hexdigest() == checksum else "wrong checksum"
        if wrong:
            return f"{folder / name}: {wrong}"
    return None


def _idx_damage(data: bytes, dimensions: int) -> str | None:
    """Say what is wrong with an IDX file: 0x08 for bytes, the number of dimensions, a size each, the bytes."""
    header, magic = 4 + 4 * dimensions, bytes((0, 0, 8, dimensions))
    if len(data) < header:
        return f"ends after {len(data)} bytes, within its header of {header}"
    if data[:4] != magic:
        return f"begins with {data[:4].hex()}, not with {magic.hex()}"
    sizes = [int.from_bytes(data[k : k + 4], "big") for k in range(4, header, 4)]
    if len(data) != header + math.prod(sizes):
        asked = " x ".join(str(size) for size in sizes)
        return f"has {len(data) - header} bytes after its header, which says {asked}"
    return None if math.prod(sizes) else "holds nothing"
