"""From a stream's config to the stream: the class that its `choice` names takes the fields of its config.

`seeded` in the choice says that it takes the seed too. A signal takes its own fields and `step`, the windows over it
the rest. A physical system is built before the stream of its motions.
"""

from __future__ import annotations

from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf

from hl_cli import config
from hl_cli.build.own_stream import own_stream
from hl_cli.build.systems import system_of
from hl_cli.config.registry import choice_of
from hl_cli.config.signals import SignalConfig
from hl_cli.errors import BadInput
from hl_cli.streams.base import Stream
from hl_cli.streams.drift import Drift, Permuted, by_class
from hl_cli.streams.signals import SignalStream

WINDOW = ("ticks", "horizon", "targets", "held_out", "blind")  # fields of the windows over a signal


def stream_of(cfg: DictConfig, batch_size: int, seed: int, dtype: torch.dtype, device: str) -> Stream:
    """Build the stream of a config."""
    place: dict[str, Any] = {"batch_size": batch_size, "dtype": dtype, "device": device}
    kind: Any = OmegaConf.get_type(cfg)
    fields: dict[str, Any] = {str(k): v for k, v in OmegaConf.to_container(cfg, resolve=True).items() if k != "name"}  # type: ignore[union-attr]
    if kind is config.Drift:
        stream: Stream = _drift(cfg, seed, place)
    elif kind is config.Plugin:
        stream = own_stream(cfg.factory, seed, place, fields["options"])
    else:
        choice = choice_of(kind)
        assert choice is not None
        seeds = {"seed": seed} if choice.facts.get("seeded") else {}
        if issubclass(kind, SignalConfig):
            own = {key: fields.pop(key) for key in list(fields) if key not in WINDOW}
            stream = SignalStream(choice.load()(**own, **seeds), **fields, **place)
        else:
            if "system" in fields:
                fields["system"] = system_of(cfg.system)
            stream = choice.load()(**fields, **place, **seeds)
    stream.name = cfg.name
    return stream


def _drift(cfg: DictConfig, seed: int, place: dict[str, Any]) -> Drift:
    """The tasks of a stream that changes."""
    if not cfg.streams:
        raise BadInput("stream.streams={}: allowed: one or more streams, such as +stream@stream.streams.a=digits")
    if cfg.change == "streams":
        names = [part.name for part in cfg.streams.values()]
        keys = names if len(set(names)) == len(names) else list(cfg.streams)
        parts = (stream_of(part, seed=seed, **place) for part in cfg.streams.values())
        tasks = {str(key): part for key, part in zip(keys, parts, strict=True)}
    else:
        if len(cfg.streams) != 1:
            raise BadInput(f"stream.change={cfg.change}: has {len(cfg.streams)} streams; allowed: one")
        (base,) = cfg.streams.values()
        if cfg.change == "classes":
            tasks = by_class(stream_of(base, seed=seed, **place), cfg.classes_per_task)
        else:
            tasks = {f"order {k}": Permuted(stream_of(base, seed=seed, **place), seed, k) for k in range(cfg.tasks)}
    return Drift(tasks, cfg.period, cfg.blend, cfg.recurring, seed)
