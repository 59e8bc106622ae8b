"""What a run is made with: versions, the modules of the user, the files that its stream reads, each as a digest.

A change between two parts of a run, or between two of its processes, is seen by it and told.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

import hl_cli

PACKAGES = ("torch", "torchvision", "numpy", "scikit-learn", "scipy", "river")
WHOLE = 2**28  # bytes: of larger files size, time and samples count
SAMPLES, SAMPLE = 256, 2**16  # how many, and their bytes
INSTALLED = ("site-packages", "dist-packages")

MadeWith = dict[str, str]


def made_with(cfg: DictConfig, files: Iterable[Path], among_ranks: bool = False) -> MadeWith:
    """The version or digest of each part by its name.

    files: that are read; among_ranks: to be compared between processes, which must have one config, and may have copies
    of their files.
    """
    return {
        "hl-run": hl_cli.__version__,
        **{name: found for name in PACKAGES if (found := _version(name))},
        "code of hl-run": _own_code(),
        **({"config": _resolved(cfg)} if among_ranks else {}),
        **{f"module {name}": digest(path) for factory in _factories(cfg) for name, path in _modules(factory)},
        **{f"file {name}": digest(path, timed=not among_ranks) for name, path in _named(files)},
    }


def changes(before: MadeWith, now: MadeWith) -> list[str]:
    """What is another now, in words; a part that only one of them has is of another config."""
    return [
        f"{name} {now[name]} instead of {then}" if name in ("hl-run", *PACKAGES) else f"another {name}"
        for name, then in before.items()
        if name in now and then != now[name]
    ]


def _resolved(cfg: DictConfig) -> str:
    """A digest of the config as it reads in this process, without the places of files."""

    def said(part: Any) -> Any:
        places = ("paths", "path", "root")
        return (
            {key: said(value) for key, value in part.items() if key not in places} if isinstance(part, dict) else part
        )

    return hashlib.sha256(repr(said(OmegaConf.to_container(cfg, resolve=True))).encode()).hexdigest()


@cache
def _own_code() -> str:
    """As this process found it: what it has imported stays, and the next job of a sweep is made with it."""
    code = sorted(Path(hl_cli.__file__).parent.rglob("*.py"))
    return hashlib.sha256("".join(map(digest, code)).encode()).hexdigest()


@cache
def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def digest(path: Path, timed: bool = True) -> str:
    """SHA-256 of the content; of a large file that of its size, time and some blocks, evenly spread."""
    found, about = hashlib.sha256(), path.stat()
    with path.open("rb") as file:
        if about.st_size <= WHOLE:
            while piece := file.read(2**20):
                found.update(piece)
        else:
            found.update(f"{about.st_size} {about.st_mtime_ns if timed else ''}".encode())
            for k in range(SAMPLES):
                file.seek((about.st_size - SAMPLE) * k // (SAMPLES - 1))
                found.update(file.read(SAMPLE))
    return found.hexdigest()


def _named(files: Iterable[Path]) -> Iterator[tuple[str, Path]]:
    """Files by their names, which may lie elsewhere in another process; of two with one name the second is (2)."""
    seen: dict[str, int] = {}
    for path in files:
        seen[path.name] = seen.get(path.name, 0) + 1
        yield path.name if seen[path.name] == 1 else f"{path.name} ({seen[path.name]})", path


def _factories(cfg: DictConfig) -> Iterator[str]:
    """module:factory or module:function, wherever the config has one."""

    def within(part: Any) -> Iterator[str]:
        for key, value in part.items() if isinstance(part, dict) else ():
            if key in ("factory", "function") and isinstance(value, str) and ":" in value:
                yield value
            yield from within(value)

    yield from within(OmegaConf.to_container(cfg, resolve=True))


def _modules(factory: str) -> Iterator[tuple[str, Path]]:
    """The module of a factory and what is loaded from beside it: the rest of its package, the rest of its folder."""
    own = factory.partition(":")[0]
    file = getattr(sys.modules.get(own), "__file__", None)
    if file is None:  # compiled into Python
        return
    home = Path(file).absolute().parents[own.count(".")]
    for name, module in sorted(sys.modules.items()):
        path = Path(getattr(module, "__file__", None) or "").absolute()
        package = name.partition(".")[0]
        beside = home in path.parents and not set(INSTALLED) & set(path.parts) and package != hl_cli.__name__
        if (package == own.partition(".")[0] or beside) and path.is_file():
            yield name, path
