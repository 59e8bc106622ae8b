r"""H(q, p) of a sampler by its metric G, with both gradients from one factorisation, for a batch of chains.

    H = U + (1/2) log det G + (1/2) p^T G^-1 p            p | q ~ N(0, G)
    dH/dp = w = G^-1 p,     dH/dq_i = dU/dq_i + sum_ab M_ab dG_ab/dq_i,    M = (G^-1 - w w^T) / 2

| metric | G |
|---|---|
| identity | 1: HMC |
| fisher | Fisher information and that of the prior |
| softabs | Q diag(l coth(alpha l)) Q^T of the Hessian Q diag(l) Q^T: positive whatever the sign of l |

SoftAbs never differentiates an eigendecomposition, which fails where eigenvalues are equal: with f = l coth(alpha l),
y = Q^T p and J_ab = (f_a - f_b)/(l_a - l_b), f' where they are equal,

    w = Q (y/f),    M = Q [diag(f'/(2 f)) - (1/2) (y/f)_a J_ab (y/f)_b] Q^T,    dH/dq_i = dU/dq_i + <M, dHessian/dq_i>

Where G is not positive definite, or anything not finite, H is infinite and the gradients are not numbers. Sources:
Girolami and Calderhead, J. R. Stat. Soc. B 73 (2011); Betancourt, A general metric for Riemannian manifold HMC (2013).
"""

from __future__ import annotations

import math
from typing import Protocol

import torch
from torch import Tensor

from hl_cli.dynamics.phase_space import Phase
from hl_cli.sampling.target import Target

EQUAL = 1e-7  # eigenvalues nearer than this, by their size, have the slope in place of the quotient


class System(Protocol):
    """A Hamiltonian for a batch of chains; q, p: (chains, n)."""

    target: Target

    def hamiltonian(self, q: Tensor, p: Tensor) -> Tensor:
        """H, (chains,)."""
        ...

    def gradients(self, q: Tensor, p: Tensor) -> Phase:
        """(dH/dq, dH/dp)."""
        ...

    def momentum(self, q: Tensor, noise: Tensor) -> Tensor:
        """p | q of standard normal noise like q."""
        ...

    def unfit(self, q: Tensor) -> Tensor:
        """Where G is not finite and positive definite: (chains,), the first coordinate at which it fails, from 1 on; 0
        where it is.
        """
        ...


class Identity:
    """G = 1; H leaves out its constant."""

    def __init__(self, target: Target) -> None:
        self.target = target

    def hamiltonian(self, q: Tensor, p: Tensor) -> Tensor:
        """U + |p|^2/2."""
        return finite_or_infinite(self.target.energy(q) + p.square().sum(1) / 2)

    def gradients(self, q: Tensor, p: Tensor) -> Phase:
        """dU/dq, p."""
        return self.target.gradient(q), p

    def momentum(self, q: Tensor, noise: Tensor) -> Tensor:
        """The noise itself."""
        return noise

    def unfit(self, q: Tensor) -> Tensor:
        """Never."""
        return torch.zeros(len(q), dtype=torch.int32)


class Fisher:
    """G is the Fisher information; one Cholesky factorisation, G = C C^T."""

    def __init__(self, target: Target) -> None:
        self.target = target

    def _factor(self, q: Tensor) -> tuple[Tensor, Tensor]:
        """C, and where it failed; there it is not a number."""
        lower, failed = torch.linalg.cholesky_ex(self.target.information(q))
        bad = (failed > 0) | ~lower.isfinite().all(2).all(1)
        return lower.masked_fill(bad.view(-1, 1, 1), math.nan), failed

    def hamiltonian(self, q: Tensor, p: Tensor) -> Tensor:
        """By the factor."""
        lower, _ = self._factor(q)
        half = torch.linalg.solve_triangular(lower, p.unsqueeze(2), upper=False).squeeze(2)
        volume = lower.diagonal(dim1=1, dim2=2).log().sum(1)
        return finite_or_infinite(self.target.energy(q) + volume + half.square().sum(1) / 2)

    def gradients(self, q: Tensor, p: Tensor) -> Phase:
        """Both by the factor."""
        inverse = torch.cholesky_inverse(self._factor(q)[0])
        w = (inverse @ p.unsqueeze(2)).squeeze(2)
        along = (inverse - w.unsqueeze(2) * w.unsqueeze(1)) / 2
        return self.target.gradient(q) + self.target.information_along(q, along), w

    def momentum(self, q: Tensor, noise: Tensor) -> Tensor:
        """C noise."""
        return (self._factor(q)[0] @ noise.unsqueeze(2)).squeeze(2)

    def unfit(self, q: Tensor) -> Tensor:
        """Where the factorisation fails."""
        lower, failed = self._factor(q)
        return torch.where(failed > 0, failed, lower.isnan().any(2).any(1).int())


class SoftAbs:
    """G is the Hessian with its eigenvalues made positive. alpha: below 1/alpha they are levelled."""

    def __init__(self, target: Target, alpha: float = 1e6) -> None:
        self.target, self.alpha = target, alpha

    def _eigen(self, q: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """l, Q and f; where the Hessian is not finite, not numbers."""
        matrix = self.target.hessian(q)
        bad = ~matrix.isfinite().all(2).all(1)
        values, vectors = torch.linalg.eigh(
            torch.where(bad.view(-1, 1, 1), torch.eye(q.shape[1], dtype=q.dtype), matrix)
        )
        values = values.masked_fill(bad.unsqueeze(1), math.nan)
        x = self.alpha * values
        soft = torch.where(x.abs() < 1e-4, (1 + x.square() / 3) / self.alpha, values / x.tanh())
        return values, vectors, soft

    def _slope(self, values: Tensor) -> Tensor:
        """f'(l) = coth(x) - x/sinh^2(x), x = alpha l."""
        x = (self.alpha * values).clamp(-300, 300)
        return torch.where(x.abs() < 1e-4, 2 * x / 3, 1 / x.tanh() - x / x.sinh().square())

    def hamiltonian(self, q: Tensor, p: Tensor) -> Tensor:
        """In the basis of the eigenvectors."""
        _, vectors, soft = self._eigen(q)
        y = (vectors.mT @ p.unsqueeze(2)).squeeze(2)
        return finite_or_infinite(self.target.energy(q) + (soft.log() + y.square() / soft).sum(1) / 2)

    def gradients(self, q: Tensor, p: Tensor) -> Phase:
        """Both by one decomposition."""
        values, vectors, soft = self._eigen(q)
        y = (vectors.mT @ p.unsqueeze(2)).squeeze(2) / soft
        across, rise = _differences(values), _differences(soft)
        near = across.abs() <= EQUAL * (values.abs().unsqueeze(1) + values.abs().unsqueeze(2))
        quotient = torch.where(near, self._slope(_means(values)), rise / across)
        inner = torch.diag_embed(self._slope(values) / (2 * soft)) - y.unsqueeze(2) * quotient * y.unsqueeze(1) / 2
        along = vectors @ inner @ vectors.mT
        w = (vectors @ y.unsqueeze(2)).squeeze(2)
        return self.target.gradient(q) + self.target.hessian_along(q, along), w

    def momentum(self, q: Tensor, noise: Tensor) -> Tensor:
        """Q (sqrt(f) noise)."""
        _, vectors, soft = self._eigen(q)
        return (vectors @ (soft.sqrt() * noise).unsqueeze(2)).squeeze(2)

    def unfit(self, q: Tensor) -> Tensor:
        """Where the Hessian is not finite: the column with the most such elements."""
        bad = (~self.target.hessian(q).isfinite()).sum(1)
        return torch.where(bad.any(1), bad.argmax(1) + 1, 0)


def _differences(x: Tensor) -> Tensor:
    """x_a - x_b."""
    return x.unsqueeze(2) - x.unsqueeze(1)


def _means(x: Tensor) -> Tensor:
    """(x_a + x_b)/2."""
    return (x.unsqueeze(2) + x.unsqueeze(1)) / 2


def finite_or_infinite(energy: Tensor) -> Tensor:
    """What is not a number is refused like what is infinite."""
    return energy.nan_to_num(nan=math.inf, posinf=math.inf, neginf=math.inf)
