"""From the config of task=sample to a target, starts and settings; what they cannot be is said here."""

from __future__ import annotations

from typing import Any, cast

import torch
from omegaconf import DictConfig, OmegaConf
from torch import Tensor

from hl_cli.config import registry, validation
from hl_cli.config.sample import METHODS, Sample
from hl_cli.errors import BadInput
from hl_cli.replicates.draws import generator_of
from hl_cli.sampling.chains import Setting
from hl_cli.sampling.methods import system_of
from hl_cli.sampling.target import Target, Whitened


class Sampling:
    """A checked config; target: as it is sampled; start: (seeds chains, n), replicate by replicate."""

    def __init__(self, cfg: DictConfig) -> None:
        validation.check(cfg)
        self.cfg = cast(Sample, cfg)
        for name in self.cfg.methods:
            if name not in METHODS or list(self.cfg.methods).count(name) > 1:
                raise BadInput(f"methods={list(self.cfg.methods)}: {name}: allowed: {', '.join(METHODS)}, each once")
        for field in ("step", "length"):
            if cfg[field] and len(cfg[field]) != len(self.cfg.methods):
                allowed = f"{len(self.cfg.methods)} numbers, one for each of methods={list(self.cfg.methods)}, or null"
                raise BadInput(f"{field}={list(cfg[field])}: allowed: {allowed}")
        option = registry.choice_of(OmegaConf.get_type(cfg.target))
        assert option is not None
        self.options: dict[str, Any] = {str(key): value for key, value in cfg.target.items() if key != "name"}
        of: Target = option.load()(generator_of(cfg.seed, 0, "target"), **self.options)
        if self.cfg.metric not in (None, *of.metrics):
            allowed = ", ".join(of.metrics)
            raise BadInput(f"metric={cfg.metric} (target={cfg.target.name}): allowed: {allowed}, which it has")
        self.whitened = of.whitens if cfg.whiten is None else bool(cfg.whiten)
        if self.whitened and of.mode is None:
            raise BadInput(f"whiten=true (target={cfg.target.name}): it has no mode to whiten at; allowed: false")
        self.target: Target = Whitened(of) if self.whitened else of
        self.plain = of
        starts = (generator_of(cfg.seed, k, "start") for k in range(cfg.seeds))
        self.start = torch.cat([self.target.start(cfg.chains, generator) for generator in starts])
        self._check_start()

    def _check_start(self) -> None:
        energy = self.target.energy(self.start)
        for chain in (~energy.isfinite()).nonzero().flatten().tolist():
            raise BadInput(
                f"target={self.cfg.target.name}: its log density is {-energy[chain]:g} at the start of chain {chain}, "
                f"{_point(self.target, self.start[chain])}; allowed: a finite one"
            )
        self._check_gradient()
        for name in self.cfg.methods:
            failed = system_of(name, self.target, self.cfg).unfit(self.start)
            for chain in failed.nonzero().flatten().tolist():
                raise BadInput(
                    f"metric={self.cfg.metric or self.target.metric} (target={self.cfg.target.name}): not finite and "
                    f"positive definite at the start of chain {chain}, from "
                    f"{self.target.names[int(failed[chain]) - 1]} on, {_point(self.target, self.start[chain])}; "
                    "allowed: a metric that is"
                )

    def _check_gradient(self) -> None:
        names, of = self.target.names, f"target={self.cfg.target.name}"
        gradient = self.plain.gradient(self.target.shown(self.start))
        for chain, k in (~gradient.isfinite()).nonzero().tolist():
            raise BadInput(
                f"{of}: the slope of its log density in {names[k]} is {-gradient[chain, k]:g} at the start of chain "
                f"{chain}, {_point(self.target, self.start[chain])}; allowed: a finite one"
            )
        flat = [names[k] for k in (gradient == 0).all(0).nonzero().flatten().tolist()]
        if flat:
            where = flat[0] if len(flat) == 1 else f"any of {len(flat)} numbers, {flat[0]} the first"
            raise BadInput(
                f"{of}: its log density does not change with {where}: the slope is 0 at the start of every chain; "
                f"allowed: one that depends on all of its {len(names)} numbers"
            )

    def setting(self, method: str) -> Setting:
        """What the config says, else the target."""
        place, of = list(self.cfg.methods).index(method), self.plain
        step = self.cfg.step[place] if self.cfg.step else of.steps[method]
        return Setting(float(step), int(self.cfg.length[place] if self.cfg.length else of.lengths[method]))

    @property
    def title(self) -> str:
        """In words."""
        options = ", ".join(f"{name} = {value}" for name, value in self.options.items())
        words = f"{self.cfg.target.name}{f' ({options})' if options else ''}"
        return f"{words}, whitened at its mode" if self.whitened else words


def _point(target: Target, q: Tensor) -> str:
    shown = target.shown(q.unsqueeze(0))[0].tolist()[:3]
    return ", ".join(f"{name} = {x:.3g}" for name, x in zip(target.names, shown, strict=False))
