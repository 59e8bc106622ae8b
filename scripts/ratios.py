"""Ratios of times: two sides alternate in short rounds inside one process, and the median of the rounds is printed."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from time import perf_counter

from hydra import compose, initialize_config_module

from hl_cli.build import Comparison, comparison

ROUND = 0.03  # seconds that one side runs before the other takes over
ROUNDS = 21
over: list[str] = []


def build(*overrides: str) -> Comparison:
    with initialize_config_module("hl_cli.configs", version_base="1.3"):
        return comparison(compose("run", overrides=list(overrides)))


def seconds(work: Callable[[], object], times: int) -> float:
    start = perf_counter()
    for _ in range(times):
        work()
    return (perf_counter() - start) / times


def compare(name: str, limit: float, ours: Callable[[], object], *theirs: Callable[[], object], each: int = 1) -> None:
    """Print the median over rounds of our time by the sum of theirs, and our time for each of so many parts."""
    sides = (ours, *theirs)
    for side in sides:
        seconds(side, 5)
    times = max(3, int(ROUND / max(seconds(ours, 3), 1e-9)))
    ratios: list[float] = []
    own: list[float] = []
    for _ in range(ROUNDS):
        order = sides if len(ratios) % 2 else sides[::-1]  # whoever is first finds colder caches
        spent = {side: seconds(side, times) for side in order}
        took = [spent[side] for side in sides]
        ratios.append(took[0] / sum(took[1:]))
        own.append(took[0])
    ratio = statistics.median(ratios)
    show(name, ratio, limit, f"{statistics.median(own) / each * 1e6:9.1f} us")


def show(name: str, value: float, limit: float, detail: str, digits: int = 2) -> None:
    mark = "" if value <= limit else "  OVER"
    if mark:
        over.append(name)
    print(f"{name:<52} {value:6.{digits}f}  (at most {limit:4.2f}) {detail}{mark}", flush=True)


def bare_pytorch(built: Comparison, fresh: bool = False) -> Callable[[], object]:
    """A training loop's body as anyone writes it; fresh: take a new sample each time."""
    module, optimizer = built.pytorch.module, built.pytorch.optimizer
    stream = built.fresh_stream()
    sample = next(stream)

    def step() -> float:
        inputs, target, *_ = next(stream) if fresh else sample
        assert target is not None
        optimizer.zero_grad()
        loss = built.measure.loss(module(inputs), target)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step
