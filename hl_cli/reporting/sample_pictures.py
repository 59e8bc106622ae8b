"""The pictures of task=sample: marginals, pairs, traces, energies, and the distance of the copies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from hl_cli.reporting.canvas import canvas
from hl_cli.reporting.palette import OTHERS, OWN
from hl_cli.sampling.chains import Chains
from hl_cli.sampling.methods import METHODS
from hl_cli.sampling.target import Target

COLORS = dict(zip(METHODS, (OWN["pytorch"], OTHERS[0], OWN["hl"]), strict=True))
BINS, MOST, TRACES, KEEP = 60, 4, 4, 0.002
Found = Mapping[str, Sequence[Chains]]


def draw_all(folder: Path, title: str, found: Found, target: Target) -> None:
    """Every picture that the chains have something for."""
    draw_marginals(folder, title, found, target)
    if len(target.names) > 1:
        draw_pairs(folder, title, found, target.names)
    draw_traces(folder, title, found, target.names[0])
    draw_energies(folder, title, found)
    if "explicit" in found:
        draw_copies(folder, title, found["explicit"])


def draw_marginals(folder: Path, title: str, found: Found, target: Target) -> None:
    """marginals.png: a histogram a method; known coordinates first."""
    names = [*target.names]
    shown = sorted(range(len(names)), key=lambda k: names[k] not in target.cdf)[:MOST]
    with canvas(folder / "marginals.png", 1, len(shown), figsize=(3.6 * len(shown), 3.2), squeeze=False) as (fig, axes):
        for axis, k in zip(axes[0], shown, strict=True):
            values = {
                name: np.concatenate([of.q[..., k].flatten().numpy() for of in own]) for name, own in found.items()
            }
            edges = _edges(np.concatenate([*values.values()]))
            for name, of in values.items():
                axis.hist(
                    of, edges, density=True, histtype="step", lw=1.4, color=COLORS[name], label=METHODS[name].label
                )
            if cdf := target.cdf.get(names[k]):
                axis.plot(
                    (edges[1:] + edges[:-1]) / 2, np.diff(cdf(edges)) / np.diff(edges), "k--", lw=1, label="known"
                )
            axis.set_xlabel(names[k])
            axis.locator_params(axis="x", nbins=5)
        axes[0][0].set_ylabel("density")
        axes[0][0].legend(fontsize=8)
        fig.suptitle(f"{title}: marginals", fontsize=11)


def _edges(of: np.ndarray) -> np.ndarray:
    """Of bins that hold all but a few."""
    low, high = (float(end) for end in np.quantile(of, [KEEP, 1 - KEEP]))
    return np.linspace(low, max(high, low + 1e-9), BINS + 1)


def draw_pairs(folder: Path, title: str, found: Found, names: Sequence[str]) -> None:
    """pairs.png: the first two coordinates of the first replicate, a panel a method."""
    with canvas(
        folder / "pairs.png",
        1,
        len(found),
        figsize=(3.4 * len(found) + 0.4, 3.5),
        squeeze=False,
        sharex=True,
        sharey=True,
    ) as (figure, axes):
        for axis, (name, own) in zip(axes[0], found.items(), strict=True):
            q = own[0].q.reshape(-1, len(names))
            axis.plot(q[:, 0], q[:, 1], ".", ms=2, alpha=0.4, color=COLORS[name])
            axis.set_title(METHODS[name].label, fontsize=10)
            axis.set_xlabel(names[0])
        axes[0][0].set_ylabel(names[1])
        figure.suptitle(f"{title}: draws", fontsize=11)


def draw_traces(folder: Path, title: str, found: Found, name: str) -> None:
    """traces.png: a row a method."""
    with canvas(
        folder / "traces.png",
        len(found),
        1,
        figsize=(8, 1.7 * len(found) + 0.5),
        squeeze=False,
        sharex=True,
        sharey=True,
    ) as (figure, axes):
        for axis, (method, own) in zip(axes[:, 0], found.items(), strict=True):
            for chain in own[0].q[:TRACES, :, 0]:
                axis.plot(chain, lw=0.8)
            axis.set_title(METHODS[method].label, fontsize=10, loc="left")
            axis.set_ylabel(name)
        axes[-1, 0].set_xlabel("draw")
        figure.suptitle(f"{title}: traces of {TRACES} chains", fontsize=11)


def draw_energies(folder: Path, title: str, found: Found) -> None:
    """energies.png: H and its changes, each about its mean."""
    with canvas(folder / "energies.png", 1, len(found), figsize=(3.4 * len(found) + 0.4, 3.0), squeeze=False) as (
        figure,
        axes,
    ):
        for axis, (name, own) in zip(axes[0], found.items(), strict=True):
            energy = own[0].energy.numpy()
            level, change = energy - energy.mean(), np.diff(energy, axis=1).flatten()
            edges = _edges(np.concatenate([level.flatten(), change]))
            axis.hist(level.flatten(), edges, density=True, alpha=0.35, color=COLORS[name], label="H")
            axis.hist(change, edges, density=True, histtype="step", lw=1.4, color="k", label="change of H")
            axis.set_title(METHODS[name].label, fontsize=10)
            axis.set_xlabel("about the mean")
        axes[0][0].set_ylabel("density")
        axes[0][0].legend(fontsize=8)
        figure.suptitle(f"{title}: energies", fontsize=11)


def draw_copies(folder: Path, title: str, own: Sequence[Chains]) -> None:
    """copies.png: distances of the copies, refused trajectories apart."""
    gap = np.concatenate([of.gap.flatten().numpy() for of in own])
    kept = np.concatenate([of.accepted.flatten().numpy() for of in own])
    gap = np.nan_to_num(gap, nan=np.inf)
    good = np.isfinite(gap) & (gap > 0)
    with canvas(folder / "copies.png", figsize=(7.5, 3.4)) as (figure, axis):
        if good.any():
            edges = np.geomspace(
                gap[good].min(), max(np.quantile(gap[good], 1 - KEEP), gap[good].min() * 1.01), BINS + 1
            )
            axis.hist(gap[good & kept], edges, histtype="step", lw=1.4, color=COLORS["explicit"], label="accepted")
            axis.hist(gap[good & ~kept], edges, histtype="step", lw=1.4, color="k", label="refused")
            axis.set_xscale("log")
            wide = edges[-1] > 100 * edges[0]
            axis.xaxis.set_major_locator(LogLocator(subs=(1.0,) if wide else (1.0, 2.0, 5.0)))
            axis.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
            axis.xaxis.set_minor_formatter(NullFormatter())
            axis.legend(fontsize=8)
        axis.set_xlabel("largest |q - q~| of a trajectory")
        axis.set_ylabel("trajectories")
        figure.suptitle(f"{title}: distance of the copies", fontsize=11)
