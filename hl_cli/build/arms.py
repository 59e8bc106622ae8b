"""From the config of a run to its arms: each learner, its name, and whether it is meant to equal the reference."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf
from torch import Tensor, nn

from hl_cli import config
from hl_cli.build.models import fitting_split, is_own, net, split
from hl_cli.build.own import try_out
from hl_cli.build.pytorch import another_baseline, check_optimizer, named, pytorch_learner, same_method
from hl_cli.build.roster import another_net, as_set, labels_of, reference_of, seen_by
from hl_cli.build.rules import rule_of
from hl_cli.build.schemes import another_method, hl_learner, numbers_of, scheme_of
from hl_cli.compare.arm import Arm
from hl_cli.compare.draws import Draws, of_device
from hl_cli.config.registry import choice_of
from hl_cli.errors import BadInput
from hl_cli.learners.base import Learner
from hl_cli.learners.fused import FusedLearner, rehearsed
from hl_cli.learners.place import Place
from hl_cli.learners.pytorch import PyTorchLearner
from hl_cli.learners.replayed import ReplayedLearner
from hl_cli.networks.losses import Loss
from hl_cli.parallel.world import World
from hl_cli.streams.base import Stream


class Workshop:
    """Builds the arms of a run, all from the same initial weights where their nets are the same."""

    def __init__(
        self,
        cfg: DictConfig,
        stream: Stream,
        fresh_stream: Callable[[], Stream],
        loss: Loss,
        outputs: int,
        device: str,
        world: World,
    ) -> None:
        self.cfg, self.stream, self.fresh_stream, self.loss, self.outputs = cfg, stream, fresh_stream, loss, outputs
        self.device, self.world = device, world
        spread = [name for name, of in cfg.arms.items() if OmegaConf.get_type(of) is config.HamiltonianArm]
        if world.size > 1 and len(spread) != 1:
            raise BadInput(f"arm: {world.size} processes share {len(spread)} arms of HL; allowed: one")
        self.reference = reference_of(cfg)
        self._labels = labels_of(cfg)
        self._start = self._drawn(cfg.model)
        self.draws, self._fitted = Draws(of_device(device)), ""

    def fit_split(self) -> None:
        """Take another split than the usual where the net cannot have that; nobody asked for it."""
        cfg = self.cfg
        cfg.split.name, self._fitted = fitting_split(cfg.model, cfg.split.name, self._start)

    def _drawn(self, model: DictConfig) -> nn.Module:
        """A net at its start; drawn in float32 for every dtype, always from the seed of the run."""
        torch.manual_seed(self.cfg.seed)
        return net(model, self.stream, self.outputs).to(self.device, getattr(torch, self.cfg.dtype))

    def arms(self) -> list[Arm]:
        """All of them, in their order; raises BadInput that names the arm where there is more than the usual two."""
        built = []
        for name in self.cfg.arms:
            if OmegaConf.get_type(self.cfg.arms[name]) is config.StockArm:
                check_optimizer(
                    f"arms.{name}", self.cfg.arms[name].optimizer or "sgd"
                )  # before others are measured against it
        for name in self.cfg.arms:
            try:
                built.append(self._arm(str(name)))
            except BadInput as error:
                raise type(error)(as_set(self.cfg, str(name), str(error))) from error
        return built

    def _arm(self, name: str) -> Arm:
        seen, of = seen_by(self.cfg, name), self.cfg.arms[name]
        start = self._start if seen.model == self.cfg.model else self._drawn(seen.model)
        kind: Any = OmegaConf.get_type(of)
        return BUILDERS.get(kind, Workshop.chosen)(self, name, seen, start)

    def hamiltonian(self, name: str, cfg: DictConfig, start: nn.Module) -> Arm:
        """An arm of HL, over a split net of its own."""
        reason, explicit = self._another(name, cfg), cfg.integrator.name == "explicit_euler"
        physics, sgd, note = numbers_of(cfg, meant=not (reason or explicit))
        if reason and self.reference:
            note += f"; it is not meant to equal {self._labels[self.reference]}"
        elif explicit:
            note += "; the explicit order is another method than SGD, so expect a difference"
        every = self.stream.task.targets == "all"

        def fresh(world: World, cfg: DictConfig = cfg, start: nn.Module = start) -> Any:
            own = split(cfg.model, cfg.split.name, copy.deepcopy(start), self.device, every)
            return hl_learner(cfg, own, self.loss, physics, world)

        def twin(weights: dict[str, Tensor]) -> Learner:
            eager: Any = OmegaConf.merge(cfg, {"engine": "eager"})
            return fresh(World(), eager, _with(start, weights))

        unsteady, learner = self._tried(cfg, lambda: fresh(World())), fresh(self.world)
        if isinstance(learner, FusedLearner):
            learner.gap = rehearsed(fresh(World()), twin({}), self.fresh_stream())  # type: ignore[arg-type]
        reason = reason or unsteady
        credit = "" if cfg.credit is None else f", {cfg.credit.name} credit"
        rule = rule_of(cfg)
        by = f"{rule.name}{rule.kinetic.words}, tau {cfg.tau:g}"
        run = {ReplayedLearner: ", replayed", FusedLearner: ", compiled"}.get(type(learner), "")
        words = f"{cfg.scheme.name} scheme{credit}, {cfg.split.name} split, {by}{run}"
        note += self._fitted + scheme_of(cfg).note(learner)
        return self._named(name, learner, words, reason, note, coefficients=physics, sgd=sgd, twin=twin)

    def _another(self, name: str, cfg: DictConfig) -> str:
        """Why an arm is not meant to equal the reference; nothing where it is, or where there is none."""
        if (unlike := another_net(self.cfg, name, self.reference)) or self.reference in (None, name):
            return unlike
        other = seen_by(self.cfg, str(self.reference))
        sgd, of_reference = (numbers_of(one)[1] for one in (cfg, other))
        kinds = tuple(OmegaConf.get_type(self.cfg.arms[arm]) is config.StockArm for arm in (name, self.reference))
        if not {OmegaConf.get_type(self.cfg.arms[self.reference])} <= {config.StockArm, config.HamiltonianArm}:
            return "the reference learns nothing"
        if kinds == (True, True):
            if same_method(cfg.pytorch, sgd, other.pytorch, of_reference):
                return ""
            return f"{self._labels[name]} is {named(cfg.pytorch, sgd)}: compare the curves, not the weights"
        if kinds == (False, False):
            numbers = "" if sgd == of_reference else "its coefficients are those of another SGD"
            return another_method(cfg) or another_method(other) or numbers
        hl, stock = (other, cfg) if kinds[0] else (cfg, other)
        hl.pytorch = stock.pytorch
        numbers_of_hl, numbers_of_stock = (of_reference, sgd) if kinds[0] else (sgd, of_reference)
        return another_baseline(hl, numbers_of_hl, numbers_of_stock) or another_method(hl)

    def stock(self, name: str, cfg: DictConfig, start: nn.Module) -> Arm:
        """An arm of PyTorch's own optimizers."""
        sgd = numbers_of(cfg)[1]

        def fresh(start: nn.Module = start) -> Learner:
            learner = pytorch_learner(cfg, copy.deepcopy(start), self.loss, sgd)
            learner.name = name
            return learner

        def twin(weights: dict[str, Tensor]) -> Learner:
            return fresh(_with(start, weights))

        reason = self._another(name, cfg) or self._tried(cfg, fresh)
        return self._named(name, fresh(), named(cfg.pytorch, sgd), reason, sgd=sgd, fresh=fresh, twin=twin)

    def _tried(self, cfg: DictConfig, fresh: Callable[[], Learner]) -> str:
        """See that a net of the user's own can learn, and from what it draws; why it cannot be held to another."""
        return try_out(cfg, self.stream, fresh, self.draws) if is_own(cfg.model) else ""

    def chosen(self, name: str, cfg: DictConfig, start: nn.Module) -> Arm:
        """An arm whose own file says how it is built; its fields beside those of every arm are its arguments."""
        choice, of = choice_of(OmegaConf.get_type(cfg.arms[name])), cfg.arms[name]
        assert choice is not None
        shared = {field.name for field in fields(config.Arm)}
        own = {str(key): value for key, value in OmegaConf.to_container(of).items() if key not in shared}  # type: ignore[union-attr]
        lr = numbers_of(cfg)[1].lr if of.lr is None else of.lr
        scheme = scheme_of(cfg)
        reset = scheme.states_reset if scheme.online else "sample"
        place = Place(copy.deepcopy(start), self.loss, self.stream, self.outputs, lr, reset)
        learner = choice.load()(place, **own)
        if isinstance(learner, PyTorchLearner):
            learner.update_every = cfg.update_every
        unlike = another_net(self.cfg, name, self.reference)
        return self._named(name, learner, learner.described, unlike or learner.another_method)

    def _named(self, name: str, learner: Any, described: str, reason: str, note: str = "", **more: Any) -> Arm:
        learner.name = name
        expect = self.cfg.arms[name].expect
        if expect is not None and (reason or name == self.reference):
            why = reason or "it is the reference itself"
            raise BadInput(f"expect={expect}: allowed for an arm that is meant to equal the reference: {why}")
        of: Any = OmegaConf.get_type(self.cfg.arms[name])
        kind = config.node_of(of).removesuffix("arm")
        return Arm(name, kind, self._labels[name], learner, described, reason, note, expect, **more)


def _with(start: nn.Module, weights: dict[str, Tensor]) -> nn.Module:
    """A copy of a net with other weights."""
    net = copy.deepcopy(start)
    for name, p in net.named_parameters():
        if name in weights:
            p.data.copy_(weights[name])
    return net


BUILDERS: dict[type[config.Arm], Callable[[Workshop, str, DictConfig, nn.Module], Arm]] = {
    config.HamiltonianArm: Workshop.hamiltonian,
    config.StockArm: Workshop.stock,
}
