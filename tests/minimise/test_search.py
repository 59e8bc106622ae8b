"""A search: equal budgets, the same draws for all, infinite where not finite, the best judged on fresh instances."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from hl_cli.minimise.methods import METHODS
from hl_cli.minimise.quartic import Quartic
from hl_cli.minimise.search import Range, Trials, draw, last, path, replicate_of
from hl_cli.minimise.summary import outcomes

RANGES = {
    "lr": Range(1e-6, 10.0),
    "friction": Range(1e-3, 1.0),
    "delta": Range(1e-6, 1e2),
    "alpha": Range(0.0, 1.0, linear=True),
    "forgetting": Range(1e-4, 0.1),
}
STEPS = 30


@dataclass
class Counting:
    """Makes quartics, and counts the rows whose gradient is asked for."""

    rows: int = 0

    def __call__(self, count: int, generator: torch.Generator) -> Quartic:
        outer = self

        class Counted(Quartic):
            def gradient(self, x: Tensor) -> Tensor:
                outer.rows += len(x)
                return super().gradient(x)

        return Counted(count, generator, n=6)


def searched(*methods: str, seed: int = 0, replicate: int = 0, counting: Counting | None = None) -> list[Trials]:
    return [*replicate_of(counting or Counting(), RANGES, methods, 50, STEPS, 4, seed, replicate)]


def test_every_method_has_the_same_budget() -> None:
    for name in METHODS:
        counting = Counting()
        (found,) = searched(name, counting=counting)
        assert counting.rows == (50 + 4) * STEPS
        assert len(found.value) == 50 and len(found.transfer) == 4


def test_the_methods_share_instance_and_draws_and_none_depends_on_the_others() -> None:
    found = {of.method: of for of in searched(*METHODS)}
    for name, of in found.items():
        (alone,) = searched(name)
        assert torch.equal(of.value, alone.value) and torch.equal(of.transfer, alone.transfer)
        assert torch.equal(of.settings["lr"], found["momentum"].settings["lr"])
        assert torch.equal(of.began, found["momentum"].began)
    assert torch.equal(found["rgd"].settings["delta"], found["relativistic"].settings["delta"])
    assert not torch.equal(found["rgd"].settings["delta"].log(), found["rgd"].settings["lr"].log())


def test_a_replicate_is_a_new_instance_with_new_trials_and_the_seed_decides_both() -> None:
    (one,), (again,) = searched("momentum"), searched("momentum")
    assert torch.equal(one.value, again.value)
    for other in (searched("momentum", replicate=1)[0], searched("momentum", seed=1)[0]):
        assert not torch.equal(one.began, other.began)
        assert not torch.equal(one.settings["lr"], other.settings["lr"])
        assert not torch.equal(one.transfer, other.transfer)


def test_draws_fill_their_range_on_its_scale() -> None:
    found = draw(METHODS["rgd_alpha"], RANGES, 4000, 0, 0)
    for name, values in found.items():
        of = RANGES[name]
        middle = (of.low + of.high) / 2 if of.linear else math.sqrt(of.low * of.high)
        assert float(values.min()) >= of.low and float(values.max()) <= of.high * (1 + 1e-12)
        assert 0.45 < float((values < middle).double().mean()) < 0.55


def test_a_value_that_is_not_finite_is_infinite_and_never_the_best() -> None:
    (found,) = searched("momentum")
    wild = found.value.isinf()
    assert 0 < int(wild.sum()) < 50 and not found.value.isnan().any()
    assert not found.usable[wild].any() and found.usable.any()
    assert float(found.value[found.best]) == float(found.value.min()) < math.inf
    assert torch.equal(found.usable, found.value <= found.began)


def test_the_transfer_is_the_best_setting_unchanged_on_instances_that_the_search_has_not_seen() -> None:
    made: list[Quartic] = []

    def make(count: int, generator: torch.Generator) -> Quartic:
        made.append(Quartic(count, generator, n=6))
        return made[-1]

    (found,) = replicate_of(make, RANGES, ["relativistic"], 50, STEPS, 4, 0, 0)
    searched_on, fresh = made
    assert fresh.start.shape[0] == 4 and not (fresh.start == searched_on.start).any()
    chosen = {name: values[found.best].view(1, 1) for name, values in found.settings.items()}
    for k in range(4):
        alone = Quartic(1, torch.Generator(), n=6)
        alone.start = fresh.start[k : k + 1]
        x = last(path(METHODS["relativistic"], alone, chosen, STEPS))
        torch.testing.assert_close(found.transfer[k], alone.value(x)[0], rtol=1e-9, atol=0)


def test_medians_and_quartiles_are_over_replicates() -> None:
    found = [of for replicate in range(5) for of in searched("momentum", "adam", replicate=replicate)]
    momentum, adam = outcomes(found)
    best = sorted(float(of.value.min()) for of in found if of.method == "momentum")
    assert (momentum.method, adam.method) == ("momentum", "adam") and momentum.best == (best[1], best[2], best[3])
    shares = sorted(float(of.usable.double().mean()) for of in found if of.method == "adam")
    assert adam.usable == (shares[1], shares[2], shares[3])
    pooled = torch.cat([of.transfer for of in found if of.method == "momentum"])
    assert momentum.transfer[1] == float(pooled.quantile(0.5)) and set(adam.settings) == {
        "lr",
        "friction",
        "forgetting",
    }


def test_relativistic_beats_momentum_on_the_ill_conditioned_quartic_and_more_of_its_settings_are_usable() -> None:
    """The claim, small: an eighth of the trials, a tenth of the steps of the search that is documented."""

    def make(count: int, generator: torch.Generator) -> Quartic:
        return Quartic(count, generator)

    found = [of for k in range(3) for of in replicate_of(make, RANGES, ["momentum", "relativistic"], 60, 100, 1, 0, k)]
    momentum, relativistic = outcomes(found)
    assert relativistic.best[1] < momentum.best[1] / 10
    assert relativistic.usable[1] > momentum.usable[1] + 0.1
