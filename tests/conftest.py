"""Shared by all tests: typed configs, one thread, and a builder of comparisons."""

from __future__ import annotations

import copy
import logging
import sys
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from hydra import compose, initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from hypothesis import settings
from omegaconf import DictConfig, OmegaConf

from hl_cli import cli, config
from hl_cli.build import Comparison, comparison
from hl_cli.cli import app
from hl_cli.cli.session import Session
from hl_cli.config.validation import CHOICES
from hl_cli.runs import ending
from tests.covering import FULL

settings.register_profile("here", deadline=None, derandomize=True)  # no timing, and red stays red
settings.load_profile("here")
config.register()
torch.set_num_threads(1)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of a test that is marked `one_in`, the first of every so many cases stay."""
    seen: Counter[str] = Counter()
    out = []
    for item in () if FULL else items:
        mark, name = item.get_closest_marker("one_in"), item.nodeid.partition("[")[0]
        if mark is not None and seen[name] % mark.args[0]:
            out.append(item)
        seen[name] += 1
    config.hook.pytest_deselected(items=out)
    gone = set(out)
    items[:] = [item for item in items if item not in gone]


PLAIN = {"stream", "model", "split", "scenario", "scheme", "credit", "integrator", "schedule"}
"""Groups whose options set their own part of a config and nothing else."""


@cache
def _composed(options: tuple[str, ...]) -> DictConfig:
    """Compose a choice of options once; composing takes longer than a short run."""
    GlobalHydra.instance().clear()
    with initialize_config_module("hl_cli.configs", version_base="1.3"):
        return compose("run", overrides=list(options))


@pytest.fixture
def configured() -> Callable[..., DictConfig]:
    """configured("model=lstm", "steps=10"): the config of these overrides."""

    def make(*overrides: str) -> DictConfig:
        pairs = [override.split("=", 1) for override in overrides]
        chosen = {key: value for key, value in pairs if key in CHOICES or "@" in key}
        plain = chosen if set(chosen) <= PLAIN else {}  # part by part: their combinations are too many to be kept
        whole = () if plain else tuple(f"{key}={value}" for key, value in chosen.items())
        cfg = copy.deepcopy(_composed(whole))
        for key, value in plain.items():
            cfg[key] = copy.deepcopy(_composed((f"{key}={value}",))[key])
        for key, value in pairs:
            if key not in chosen:
                OmegaConf.update(cfg, key, yaml.safe_load(value), force_add=".options" in key)
        return cfg

    return make


@pytest.fixture
def build(configured: Callable[..., DictConfig]) -> Callable[..., Comparison]:
    """build("model=lstm", "steps=10"): everything that hl-run builds of these overrides."""
    return lambda *overrides: comparison(configured(*overrides))


@pytest.fixture
def invoke(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """invoke("-m", "steps=5,6"): hl-run in this process; its exit code and what it said."""
    monkeypatch.chdir(tmp_path)

    def run_it(*arguments: str) -> tuple[Any, str, str]:
        GlobalHydra.instance().clear()
        monkeypatch.setenv(app.TRACEBACK, "0")  # the command sets it itself; so it is undone
        monkeypatch.setattr(app, "session", Session())
        monkeypatch.setattr(sys, "argv", ["hl-run", *arguments])
        monkeypatch.setattr(logging.getLogger(), "handlers", [])  # those of a test before write to its stdout
        with pytest.raises(SystemExit) as stop:
            cli.main()
        return (stop.value.code, *capsys.readouterr())

    return run_it


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """They take longer than a short run."""
    for module, name in (
        (ending.plots, "draw_curves"),
        (ending.plots, "draw_weight_difference"),
        (ending, "draw_physics"),
    ):
        monkeypatch.setattr(module, name, lambda *arguments: None)
