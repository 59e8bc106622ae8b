"""The tables of a report, as header and rows of text: the same in report.md and in report.html."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hl_cli.compare.differences import TensorDistance
from hl_cli.compare.forgetting import Retention

Rows = list[list[str]]


def compared(summary: dict[str, Any]) -> Rows:
    """What was compared, a name and a value a row."""
    s = summary["stream"]
    asked = f"{s['size']} {s['kind']}" if s["size"] > 1 else "value"
    given = "samples without end" if s["train_samples"] is None else f"{s['train_samples']} training"
    every = " at every tick" if s["targets"] == "all" else ""
    shape = f"{s['ticks']} x {s['features']} inputs, {asked}{every}"
    held = f", each sample held for {summary['hold']} steps" if summary["hold"] > 1 else ""
    chance = [] if s["chance"] is None else [f"{s['chance']:.3f} (always naming the commonest held-out class)"]
    return [
        ["stream", f"{s['name']}: {shape}, {given} and {s['held_out_samples']} held-out samples"],
        ["origin", f"{s['origin']}; licence {s['licence']}"],
        *(["chance level", level] for level in chance),
        ["loss", summary["loss"].replace("_", " ")],
        ["model", f"{summary['model']}, {summary['weights']:,} weights, {summary['split']} split, {summary['dtype']}"],
        *([label, described(summary[name])] for name, label in summary["labels"].items()),
        ["batch size", f"{summary['batch_size']}{held}"],
        ["seed", str(summary["seed"])],
        *(["resumed", f"after step {one['step']}, with {_changed(one)}"] for one in summary["resumed"]),
        *([["ended early", summary["ended_early"]]] if summary["ended_early"] else []),
        ["relation", summary["note"]],
    ]  # fmt: skip


def _changed(resumed: dict[str, Any]) -> str:
    return ", ".join(resumed["with"]) or "the same versions, modules and data files"


def described(of: dict[str, Any]) -> str:
    """An arm in words, with its numbers."""
    c = of["coefficients"]
    if not c:
        return str(of["described"])
    return (
        f"{of['described']}, beta {c['beta']:.12g}, eta {c['eta']:.12g}, phi {c['phi']:.12g} "
        f"({c['phi_first']:.12g} at the first step), weight decay {c['weight_decay']:.12g}"
    )


def weights(tensors: Mapping[str, Iterable[TensorDistance]], summary: Mapping[str, Any]) -> Rows:
    """How far each tensor is apart at the last compared step; with a column for the arm where there are several.

    Floating-point numbers between two weights are counted where the weights are equal, or near: elsewhere the count
    says nothing. It is in weights.csv.
    """
    several = len(tensors) > 1
    header = ["tensor", "shape", "max abs", "mean abs", "relative", "max ulp", "differs since step"]
    rows = [[*["arm"] * several, *header]]
    for name, t in ((name, t) for name, of in tensors.items() for t in of):
        apart = [f"{value:.3g}" for value in (t.distance.max_abs, t.distance.mean_abs, t.distance.relative)]
        since = "never" if t.first_step is None else str(t.first_step)
        near = summary[name].get("verdict", summary["verdict"]) in ("identical", "round_off")
        ulp = str(t.distance.max_ulp) if near or not t.distance.max_ulp else "-"
        arm = [summary["labels"][name]] * several
        rows.append([*arm, t.tensor, "x".join(map(str, t.shape)), *apart, ulp, since])
    return rows


def generated(summary: dict[str, Any], names: dict[str, str]) -> Rows:
    """The scores of a free run, a row a learner, and zero output beside them."""
    rows = [["", "error/power", "r2"]]
    for name, of in summary["free_run"].items():
        rows.append([names.get(name, "zero output"), f"{of['power_error']:.3g}", f"{of['r2']:.3f}"])
    return rows


def periods(kept: Mapping[str, Retention], labels: Mapping[str, str]) -> Rows:
    """The held-out score on each task after each period; with a column for the arm where there are several."""
    several = len(kept) > 1
    rows = [[*["arm"] * several, "period", "learnt", *next(iter(kept.values())).scores[0]]]
    for name, of in kept.items():
        for number, (trained, scores) in enumerate(zip(of.trained, of.scores, strict=True), start=1):
            arm = [labels[name]] * several
            rows.append([*arm, str(number), trained, *(f"{score:.3f}" for score in scores.values())])
    return rows


def blocks(pipeline: Iterable[dict[str, Any]]) -> Rows:
    """The blocks of a scheme, bottom first."""
    rows = [["block", "layers", "place", "weights", "computed, s", "its process elsewhere, s", "waited, s"]]
    for b in pipeline:
        seconds = [f"{b[name]:.3g}" for name in ("computed", "shared", "waited")]
        rows.append([str(b["block"]), str(b["layers"]), str(b["place"]), f"{b['weights']:,}", *seconds])
    return rows
