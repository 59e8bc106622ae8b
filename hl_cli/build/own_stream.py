"""From stream=module:factory to the stream that it gives: a Stream of the user's, or any iterable of samples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import torch

from hl_cli.build.check import check_stream, with_whole_numbers
from hl_cli.config.plugins import make
from hl_cli.errors import BadInput
from hl_cli.streams.base import Stream
from hl_cli.streams.iterable import IterableStream


def own_stream(factory: str, seed: int, place: dict[str, Any], options: dict[str, Any]) -> Stream:
    """Ask the factory and check what it gives; raises BadInput. place: batch_size, dtype, device.

    It is asked anew each time, with the random numbers of torch begun from the seed.
    """
    where, given = f"stream.factory={factory}", {"seed": seed, **place}
    made: list[Any] = []

    def fresh() -> Stream:
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            found = make("stream", factory, Iterable, given, options)  # type: ignore[type-abstract]
        if isinstance(found, Stream):
            return with_whole_numbers(found, where)
        if isinstance(found, Iterator) and any(found is one for one in made):
            raise BadInput(f"{where}: gave the same iterator twice; allowed: a new one each time it is called")
        made.append(found)
        try:
            return IterableStream(found, seed=seed, dtype=place["dtype"], device=place["device"])
        except BadInput as error:
            raise BadInput(f"{where}: {error}") from error

    check_stream(fresh, place["batch_size"], place["dtype"], where)
    return fresh()
