"""Configs as they may be shown: what came from an environment variable stays as it was written, ${oc.env:NAME}.

It may be a password, or a path of one machine. Numbers are shown: a report says nothing without its steps and rates.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from typing import Any

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from omegaconf.resolvers import oc

SHORTEST = 5  # characters of a value that is looked for within other texts
ROUNDS = 100_000  # of the digest: whoever has a checkpoint shall not guess a short password from it
SALT = 16  # bytes
Leaves = dict[str, Any]


class Hidden:
    """What of a config came from the environment: `fields`, by their names, as (value, how it is written)."""

    def __init__(self, cfg: DictConfig) -> None:
        self._salt = os.urandom(SALT).hex()
        texts = {name: value for name, value in _leaves(cfg) if isinstance(value, str)}
        with _environment_unread():
            written = {name: _read(cfg, name, value) for name, value in texts.items()}
        self.fields = {name: (value, written[name]) for name, value in texts.items() if written[name] != value}

    def __call__(self, content: Any) -> Any:
        """The same content, its texts with the variables in place of their values."""
        if isinstance(content, dict):
            return {key: self(one) for key, one in content.items()}
        if isinstance(content, list | tuple):
            return [self(one) for one in content]
        for value, written in self.fields.values() if isinstance(content, str) else ():
            if content == value:
                return written
            if len(value) >= SHORTEST:  # a function, for in a template a backslash has a meaning
                content = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", partial(_just, written), content)
        return content

    def digests(self) -> dict[str, str]:
        """A salted digest of each such value, by its field, so that a later change of it is found out."""
        return {name: _digest(value, self._salt) for name, (value, _) in self.fields.items()}

    def changed(self, digests: dict[str, str]) -> str | None:
        """The first field whose value is another than at the time of the digests, as it is written."""
        for name, digest in digests.items():
            value, written = self.fields.get(name, ("", ""))
            if _digest(value, digest.partition(":")[0]) != digest:
                return f"{name}={written}"
        return None


def as_written(overrides: ListConfig) -> list[str]:
    """Overrides as they were typed; reading them one by one would read the environment."""
    written: Any = OmegaConf.to_container(overrides, resolve=False)
    return [str(one) for one in written]


@cache
def _digest(value: str, salt: str) -> str:
    return f"{salt}:{hashlib.pbkdf2_hmac('sha256', value.encode(), salt.encode(), ROUNDS).hex()}"


def _leaves(cfg: DictConfig) -> Iterator[tuple[str, Any]]:
    """Each value of a config that is written as an interpolation, with its name; Hydra's own are left out."""

    def walk(node: Any, written: Any, name: str) -> Iterator[tuple[str, Any]]:
        for key, said in written.items() if isinstance(written, dict) else enumerate(written):
            where = f"{name}.{key}" if name else str(key)
            if where == "hydra" or not _interpolates(said):
                continue
            try:
                value = node[key]
            except OmegaConfBaseException:  # it has no value, and whoever needs one will say so
                continue
            if OmegaConf.is_config(value):
                yield from walk(value, _written(value) if isinstance(said, str) else said, where)
            elif OmegaConf.is_interpolation(node, key):
                yield where, value

    yield from walk(cfg, _written(cfg), "")


def _written(cfg: Any) -> Any:
    """A config as it is written: to read it value by value takes longer, and few are interpolations."""
    return OmegaConf.to_container(cfg, resolve=False)


def _interpolates(written: Any) -> bool:
    """Whether there is an interpolation in a value, or anywhere below it."""
    if isinstance(written, str):
        return "${" in written
    within = written.values() if isinstance(written, dict) else written if isinstance(written, list) else ()
    return any(map(_interpolates, within))


def _just(text: str, _: object) -> str:
    return text


def _read(cfg: DictConfig, name: str, value: Any) -> Any:
    try:
        return OmegaConf.select(cfg, name)
    except Exception:  # of a number, or of a resolver that asks for one: the variable's name is none
        return value


@contextmanager
def _environment_unread() -> Iterator[None]:
    """Let every ${oc.env:NAME} of a variable that is there say itself."""
    own = oc.env

    def written(key: str, *default: Any) -> Any:
        return f"${{oc.env:{key}}}" if key in os.environ else own(key, *default)

    OmegaConf.register_new_resolver("oc.env", written, replace=True)
    try:
        yield
    finally:
        OmegaConf.register_new_resolver("oc.env", own, replace=True)
