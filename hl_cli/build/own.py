"""A net of the user's own: what its factory gave, and whether both learners can take a step with it, told in time."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf
from torch import nn
from torch.nn.parameter import is_lazy

from hl_cli.build.schemes import scheme_of
from hl_cli.compare.draws import NUMPY, PYTHON, Draws
from hl_cli.config.plugins import make
from hl_cli.errors import BadInput, NonFinite
from hl_cli.learners.base import Learner, evaluating
from hl_cli.networks.own_cell import OwnCell, is_cell
from hl_cli.networks.recurrent import Recurrent
from hl_cli.networks.splits import check_weights
from hl_cli.streams.base import Stream
from hl_cli.types import Sample


def own_net(model: DictConfig, stream: Stream, outputs: int, every: bool) -> nn.Module:
    """Ask the user's factory, and look at what the net makes of one sample; a cell is given a linear head."""
    shape = {"features": stream.features, "ticks": stream.ticks, "outputs": outputs, "every": every}
    options: Any = OmegaConf.to_container(model.options, resolve=True)
    where = f"model.factory={model.factory}"
    module = make("model", model.factory, nn.Module, shape, options)
    inputs = stream.held_out().inputs[:1].cpu().float().clone()
    seen, rows = inputs.clone(), stream.ticks if every else 1
    try:
        with torch.no_grad():
            if is_cell(module):
                cell = OwnCell(module, where)
                cell.check(inputs[:, 0], where)
                module = Recurrent(lambda *sizes: cell, stream.features, cell.widths[0], 1, outputs, every)
            if any(is_lazy(one) for one in (*module.parameters(), *module.buffers())):
                with evaluating(module):
                    module(inputs)  # a lazy net finds its shapes here, and draws its weights
            said = tuple(copy.deepcopy(module).eval()(inputs).shape)
    except BadInput:
        raise
    except Exception as error:
        line = " ".join(str(error).split())
        raise BadInput(f"{where}: the net fails on inputs {tuple(inputs.shape)}: {line}") from error
    if not any(p.requires_grad for p in module.parameters()):
        raise BadInput(f"{where}: the net has no weights that learn; allowed: at least one")
    check_weights(module, f"{where}: ")
    if not torch.equal(inputs, seen):
        raise BadInput(
            f"{where}: the net changes its inputs in place; allowed: a net that leaves them, for both share them"
        )
    if said != (rows, outputs):
        raise BadInput(f"{where}: inputs {tuple(inputs.shape)} become {said}; allowed: {(rows, outputs)}")
    return module


def try_out(cfg: DictConfig, stream: Stream, fresh: Callable[[], Learner], draws: Draws) -> str:
    """Let two learners made for this alone take the same step; raises BadInput where they cannot.

    draws: is given the generators that the net draws from, beside torch's own. Returns why two of its learners need
    not be equal, where it draws from anything else.
    """
    where = f"model.factory={cfg.model.factory}"
    sample = _first(stream.held_out(), cfg.batch_size)
    tried = Draws([*(g for g in draws.generators if g not in (NUMPY, PYTHON)), NUMPY, PYTHON])
    pair = [fresh(), fresh()]
    with tried.kept():
        for learner in tried.each(pair):
            _step(learner, sample, where)
    state = getattr(getattr(pair[0], "split", None), "state", ())
    again = stream.ticks > 1 and scheme_of(cfg).replays and cfg.checkpointing != "store"
    if tried.moved and again and any(block.memory for block in state):
        raise BadInput(
            f"checkpointing={cfg.checkpointing}: the net draws random numbers, and ticks that are run again would "
            "draw others; allowed: checkpointing=store, scheme=forward"
        )
    draws.generators += [g for g in tried.generators if g.name in tried.moved and g not in draws.generators]
    one, other = (learner.weights().values() for learner in pair)
    if all(torch.equal(a, b) for a, b in zip(one, other, strict=True)):
        return ""
    return "the net draws what no seed gives: two copies of it do not learn the same of one sample"


def _first(held_out: Sample, count: int) -> Sample:
    """So many held-out samples, from the beginning again where there are fewer."""
    assert held_out.target is not None
    have = len(held_out.inputs)
    places = torch.arange(count, device=held_out.inputs.device) % have
    rows = held_out.target.unflatten(0, (have, -1))[places]
    return Sample(held_out.inputs[places], rows.flatten(0, 1))


def _step(learner: Learner, sample: Sample, where: str) -> None:
    try:
        learner.step(sample)
    except NonFinite:
        return  # the run will say so
    except BadInput as error:
        raise BadInput(f"{where}: {error}") from error
    except Exception as error:
        shape, line = tuple(sample.inputs.shape), " ".join(str(error).split())
        raise BadInput(f"{where}: the net cannot learn from inputs {shape} (batch_size={shape[0]}): {line}") from error
