"""The config of a job, composed quickly, is the one that Hydra's own loader gives; so is what it refuses."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, TypeAlias

import pytest
from hydra._internal.config_loader_impl import ConfigLoaderImpl
from hydra._internal.utils import create_config_search_path
from hydra.core.utils import setup_globals
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from hl_cli import config
from hl_cli.runs.recompose import _as_hl_run
from hl_cli.sweeps.composing import KEPT, JobComposer

JOBS = [
    ["seed=3"],
    ["steps=20", "seed=4"],
    ["seed=3", "model=rnn", "+observe=[credit]"],
    ["model=rnn", "seed=5", "model.hidden=7"],
    ["model.hidden=7", "model=rnn"],
    ["stream=lorenz", "stream.ticks=1", "split=state"],
    ["scenario=custom", "scenario={lr: 0.5}", "scenario.lr=0.25"],
    ["scenario.lr=0.25", "scenario={lr: 0.5}"],
    ["arm=[hl,adam]", "arms.adam.lr=0.5"],
    ["~debug", "++threads=2"],
    ["experiment=recall_study", "seed=1"],
    ["paths.outputs=${oc.env:HOME}/x", "tau=2"],
    ["hydra.job.name=other", "seed=2"],
    ["+own=slow", "seed=2"],
    ["+own=fast", "scenario.momentum=0.25"],
]
REFUSED = [
    ["seed=x"],
    ["seed=1,2"],
    ["no_such=1"],
    ["model=none_such"],
    ["model@other=rnn"],
    ["+seed=2"],
    ["~stream.none_such"],
    ["seed={a: 1}"],
]

Loaders: TypeAlias = tuple[ConfigLoaderImpl, ConfigLoaderImpl, DictConfig]


@pytest.fixture(scope="module")
def loaders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaders]:
    """Hydra's own, ours, and the config of a sweep with a group of the user's in hydra.searchpath."""
    tmp_path = tmp_path_factory.mktemp("configs")
    (tmp_path / "own").mkdir()
    for name, rate in {"slow": 0.001, "fast": 0.5}.items():
        (tmp_path / "own" / f"{name}.yaml").write_text(f"# @package scenario\nlr: {rate}\n")
    config.register()
    setup_globals()
    with _as_hl_run():
        search = create_config_search_path("pkg://hl_cli.configs")
        plain, ours = ConfigLoaderImpl(search), JobComposer(search)
        said = [f"hydra.searchpath=[file://{tmp_path}]", f"hydra.sweep.dir={tmp_path}/x"]
        yield plain, ours, plain.load_configuration("run", [*said, "steps=9", "seed=1,2"], RunMode.MULTIRUN)


def contents(cfg: DictConfig) -> tuple[Any, ...]:
    """All of a config: values as written, keys in their order, types, what is closed."""
    kinds = [(key, OmegaConf.get_type(cfg, key), cfg._get_node(key)._metadata) for key in cfg]  # type: ignore[union-attr]
    flags = [OmegaConf.is_struct(cfg), OmegaConf.is_readonly(cfg), OmegaConf.is_readonly(cfg.hydra)]
    told = [(key, kind, of.ref_type, of.object_type, of.optional, of.flags) for key, kind, of in kinds]
    return OmegaConf.to_yaml(cfg), told, flags, cfg.hydra.sweep.dir, OmegaConf.get_cache(cfg)


def test_a_job_has_the_config_that_hydra_gives_it(loaders: Loaders) -> None:
    plain, ours, master = loaders
    expected = [contents(plain.load_sweep_config(master, job)) for job in JOBS]
    for _ in range(2):  # from the files, then from what is kept
        assert [contents(ours.load_sweep_config(master, job)) for job in JOBS] == expected
    worker = copy.copy(ours)  # as a worker of another process gets it
    assert isinstance(ours, JobComposer) and ours._chosen and not worker._chosen
    assert contents(worker.load_sweep_config(master, JOBS[2])) == contents(ours.load_sweep_config(master, JOBS[2]))


def test_a_job_is_refused_in_the_same_words(loaders: Loaders) -> None:
    plain, ours, master = loaders
    for job in REFUSED:
        said = []
        for loader in (plain, ours):
            with pytest.raises(HydraException) as refused:
                loader.load_sweep_config(master, job)
            said.append((type(refused.value), str(refused.value)))
        assert said[0] == said[1], job


def test_what_a_job_sets_is_not_seen_by_the_next(loaders: Loaders) -> None:
    _, ours, master = loaders
    first = ours.load_sweep_config(master, ["seed=7", "model.hidden=[5]"])
    first.steps = 1234
    assert ours.load_sweep_config(master, ["tau=2"]).model.hidden == [32]
    assert ours.load_sweep_config(master, ["tau=2"]).steps != 1234


def test_only_the_latest_choices_are_kept(loaders: Loaders) -> None:
    _, ours, master = loaders
    assert isinstance(ours, JobComposer)
    ours._chosen = {(f"{k}",): master for k in range(KEPT)}
    ours.load_sweep_config(master, ["model=rnn"])
    assert len(ours._chosen) == KEPT and ("0",) not in ours._chosen and ("model=rnn",) in ours._chosen
