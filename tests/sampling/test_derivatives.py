"""Targets and metrics: every derivative is that of automatic differentiation, or of finite differences."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.func import grad, jacrev, vmap

from hl_cli.config import registry
from hl_cli.errors import BadInput
from hl_cli.sampling.metrics import Fisher, SoftAbs
from hl_cli.sampling.target import Target, Whitened

POINTS = 5
DENSITY = "tests.sampling.material:log_density"
OWN = {"given": {"function": DENSITY, "n": 3}}
NAMES = sorted(one.kind.__name__.removesuffix("Config").lower() for one in registry.choices("target"))


def target_of(name: str) -> Target:
    choice = next(one for one in registry.choices("target") if one.names == (name,))
    made: Target = choice.load()(torch.Generator().manual_seed(1), **OWN.get(name, {}))
    return made


def noise(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def near(found: Tensor, wanted: Tensor, tolerance: float) -> bool:
    return bool((found - wanted).abs().max() <= tolerance * (1 + wanted.abs().max()))


CASES = [*NAMES, "whitened"]


@pytest.mark.parametrize("name", CASES)
def test_targets(name: str) -> None:
    target = Whitened(target_of("logistic")) if name == "whitened" else target_of(name)
    q = target.start(POINTS, torch.Generator().manual_seed(2))
    n = q.shape[1]
    assert len(target.names) == n and q.dtype == torch.float64
    along = noise(3, POINTS, n, n)
    along = along + along.mT

    def energy(x: Tensor) -> Tensor:
        return target.energy(x.unsqueeze(0))[0]

    assert near(target.gradient(q), vmap(grad(energy))(q), 1e-12)
    assert near(target.hessian(q), vmap(jacrev(grad(energy)))(q), 1e-12)
    for of, moved in (("hessian", target.hessian_along), ("information", target.information_along)):
        if of == "information" and "fisher" not in target.metrics:
            continue
        matrix = getattr(target, of)

        def weighed(x: Tensor, m: Tensor, matrix: object = matrix) -> Tensor:
            return (matrix(x.unsqueeze(0))[0] * m).sum()  # type: ignore[operator]

        assert near(moved(q, along), vmap(grad(weighed))(q, along), 1e-12)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("kind", [Fisher, SoftAbs])
def test_metrics(name: str, kind: type[Fisher] | type[SoftAbs]) -> None:
    """Both gradients are those of H, by central differences; equal eigenvalues, as the funnel has them, too."""
    target = Whitened(target_of("logistic")) if name == "whitened" else target_of(name)
    if kind is Fisher and "fisher" not in target.metrics:
        return
    system, h = kind(target), 1e-5
    q = target.start(POINTS, torch.Generator().manual_seed(2))
    p = system.momentum(q, noise(4, *q.shape))
    units = h * torch.eye(q.shape[1], dtype=q.dtype)
    by_q = [(system.hamiltonian(q + e, p) - system.hamiltonian(q - e, p)) / (2 * h) for e in units]
    by_p = [(system.hamiltonian(q, p + e) - system.hamiltonian(q, p - e)) / (2 * h) for e in units]
    found = system.gradients(q, p)
    assert near(found[0], torch.stack(by_q, 1), 1e-6) and near(found[1], torch.stack(by_p, 1), 1e-6)


@pytest.mark.parametrize("kind", [Fisher, SoftAbs])
def test_momenta_have_the_metric_as_covariance(kind: type[Fisher] | type[SoftAbs]) -> None:
    target, many = target_of("banana"), 40_000
    q = target.start(1, torch.Generator().manual_seed(5)).expand(many, -1)
    p = kind(target).momentum(q, noise(6, many, 2))
    metric = (
        target.information(q[:1])[0] if kind is Fisher else torch.linalg.matrix_exp(torch.zeros(2, 2, dtype=q.dtype))
    )
    if kind is SoftAbs:
        values, vectors = torch.linalg.eigh(target.hessian(q[:1])[0])
        metric = vectors @ torch.diag(values.abs()) @ vectors.T  # alpha is large
    assert near(p.T @ p / many, metric, 0.03)


def test_where_a_metric_fails() -> None:
    """What is not finite has an infinite H, and says where; no eigendecomposition raises."""
    target = target_of("funnel")
    q = target.start(3, torch.Generator().manual_seed(1))
    q[1, 0] = -1e4  # e^-v overflows
    p = noise(2, *q.shape)
    for system in (Fisher(target), SoftAbs(target)):
        energy = system.hamiltonian(q, p)
        assert energy.isfinite().tolist() == [True, False, True]
        assert (system.unfit(q) > 0).tolist() == [False, True, False]
        assert system.gradients(q, p)[0].isfinite().all(1).tolist() == [True, False, True]


def test_a_function_that_gives_no_number() -> None:
    choice = next(one for one in registry.choices("target") if one.names == ("given",))
    made = choice.load()(torch.Generator(), function="tests.sampling.material:points", n=3)
    with pytest.raises(
        BadInput, match=r"target.function=tests.sampling.material:points: gave .*: allowed: a tensor of"
    ):
        made.energy(torch.zeros(2, 3, dtype=torch.float64))
