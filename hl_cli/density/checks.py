"""What a flow promises, in float64: its determinant, there and back, and the same with the momentum turned round."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from hl_cli.density.flow import Flow
from hl_cli.density.hamiltonian_flow import HamiltonianFlow
from hl_cli.replicates.layers import Weights


@dataclass(frozen=True)
class Checks:
    """(r,) each. log_det: largest |log |det J|| over points; back: largest |z - inverse(flow(z))|.

    turned: the same with p turned round in place of h; None without momentum.
    """

    log_det: Tensor
    back: Tensor
    turned: Tensor | None


def checks(flow: Flow, weights: Weights, z: Tensor) -> Checks:
    """At z, (r, b, latent)."""
    weights = {name: of.double() for name, of in weights.items()}
    z = z.double()
    end = flow.path(weights, z)[-1]
    turned = _gap(flow.turned(weights, end), z) if isinstance(flow, HamiltonianFlow) else None
    return Checks(log_det(flow, weights, z).abs().amax(1), _gap(flow.inverse(weights, end), z), turned)


def log_det(flow: Flow, weights: Weights, z: Tensor) -> Tensor:
    """log |det d(end)/dz| at each point, (r, b), of the whole Jacobian by automatic differentiation."""
    z = z.detach().requires_grad_()
    with torch.enable_grad():
        end = flow.path(weights, z)[-1]
        rows = [torch.autograd.grad(end[..., k].sum(), z, retain_graph=True)[0] for k in range(z.shape[-1])]
    return torch.linalg.slogdet(torch.stack(rows, -2)).logabsdet


def _gap(found: Tensor, z: Tensor) -> Tensor:
    return (found - z).abs().amax((1, 2))
