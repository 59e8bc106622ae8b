"""report.html: what a run was and what came of it, on one page."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

from hl_cli.compare.differences import TensorDistance
from hl_cli.compare.tally import LEARNERS, Tally
from hl_cli.reporting import console
from hl_cli.reporting.html import generated, inside, learning
from hl_cli.reporting.html.page import Section, write_page
from hl_cli.reporting.thousands import thousands

HEADLINES = {
    "identical": ("HL and PyTorch are equal, bit for bit", "good"),
    "round_off": ("HL and PyTorch are equal up to round-off", "good"),
    "different": ("HL and PyTorch differ", "fair"),
    "diverged": ("A learner diverged", "bad"),
    "undecided": ("Nothing was learnt, so nothing is decided", "plain"),
}
Facts = list[tuple[str, Any]]


def write_report_page(
    folder: Path,
    title: str,
    summary: dict[str, Any],
    tensors: list[TensorDistance],
    tally: Tally,
    period: int,
    floor: dict[int, float] | None,
) -> None:
    """Write the page from the files of the run, once all of them are there; period, floor: as in the pictures."""
    headline, tone = HEADLINES[summary["verdict"]]
    config = folder / summary["config"] / "config.yaml"
    write_page(
        folder / "report.html",
        "report.html.j2",
        title=title,
        headline=headline,
        tone=tone,
        summary=summary,
        remark=console.remark(summary),
        numbers=_numbers(summary),
        rows=console.table(summary),
        cumulative=console.cumulative(summary),
        sections=_sections(folder, summary, tally, period, floor),
        tensors=_tensors(tensors),
        compared=_compared(summary),
        environment=_environment(summary),
        config=config.read_text() if config.exists() else "",
        files=sorted(
            {"report.html", "summary.json", *(p.name for p in folder.iterdir() if p.is_file() and p.suffix != ".tmp")}
        ),
    )


def _sections(
    folder: Path, summary: dict[str, Any], tally: Tally, period: int, floor: dict[int, float] | None
) -> list[Section]:
    found = [learning.curves(folder, tally.measure, period), learning.weight_difference(folder, floor)]
    by_thousand = thousands(folder, console.NAMES)
    if len(by_thousand) > 2:
        title, numbers = "A thousand steps at a time", len(by_thousand[0]) - 1
        found.append(Section("thousands", title, table=by_thousand, numbers=numbers))
    kept = {name: of for name, of in tally.retention.items() if of.scores}
    if kept:
        found.append(learning.tasks(folder, kept, console.retention(summary)))
    if summary["free_run"]:
        found.append(generated.free_run(folder, summary))
    found.append(inside.physics(folder))
    if summary["pipeline"]:
        found.append(inside.pipeline(folder, summary["pipeline"]))
    return found


def _numbers(summary: dict[str, Any]) -> Facts:
    """The numbers that a reader looks for first."""
    main = summary["main"]
    held_out = [_number(summary[name][f"held_out_{main}"], ".4g") for name in LEARNERS]
    loss = [_number(summary[name]["final_loss"], ".4g") for name in LEARNERS]
    steps = [_number(summary[name]["steps_per_second"], ",.0f") for name in LEARNERS]
    found: Facts = [
        ("steps", f"{summary['steps']:,}"),
        ("loss, HL | PyTorch", " | ".join(loss)),
        (f"held-out {main.replace('_', ' ')}", " | ".join(held_out)),
        ("largest weight difference", _number(summary["max_abs_weight_difference"], ".3g")),
        ("steps/s", " | ".join(steps)),
    ]
    if summary["first_difference_step"] is not None:
        found.append(("first difference after step", f"{summary['first_difference_step']:,}"))
    if summary["drift"] is not None:
        found.append(("largest drift of a state", _number(summary["drift"], ".3g")))
    return found


def _number(value: float | None, form: str) -> str:
    return "none" if value is None else format(value, form)


def _tensors(tensors: list[TensorDistance]) -> list[list[str]]:
    header = ["tensor", "shape", "max abs", "mean abs", "relative", "max ulp", "differs since step"]
    rows = []
    for t in tensors:
        apart = [f"{value:.3g}" for value in (t.distance.max_abs, t.distance.mean_abs, t.distance.relative)]
        since = "never" if t.first_step is None else f"{t.first_step}"
        rows.append([t.tensor, "x".join(map(str, t.shape)), *apart, str(t.distance.max_ulp), since])
    return [header, *rows]


def _compared(summary: dict[str, Any]) -> Facts:
    s, c = summary["stream"], summary["coefficients"]
    asked = f"{s['size']} {s['kind']}" if s["size"] > 1 else "value"
    given = "samples without end" if s["train_samples"] is None else f"{s['train_samples']} training"
    every = " at every tick" if s["counts"] == "every" else ""
    shape = f"{s['ticks']} x {s['features']} inputs, {asked}{every}"
    phi = f"{c['phi']:.12g} ({c['phi_first']:.12g} at the first step)"
    held = f", each sample held for {summary['hold']} steps" if summary["hold"] > 1 else ""
    found: Facts = [
        ("stream", f"{s['name']}: {shape}, {given} and {s['held_out_samples']} held-out samples"),
        ("origin", f"{s['origin']}; licence {s['licence']}"),
    ]
    if s["chance"] is not None:
        found.append(("chance level", f"{s['chance']:.3f} (always naming the commonest held-out class)"))
    return [
        *found,
        ("loss", summary["loss"].replace("_", " ")),
        ("model", f"{summary['model']}, {summary['weights']:,} weights, {summary['split']} split"),
        ("HL", f"{summary['scheme']} scheme, {summary['integrator']}, tau {c['tau']:.12g}, beta {c['beta']:.12g}, "
               f"eta {c['eta']:.12g}, phi {phi}"),
        ("PyTorch", summary["baseline"]),
        ("weight decay", f"{c['weight_decay']:.12g} (both)"),
        ("batch size", f"{summary['batch_size']}{held}"),
        ("seed", summary["seed"]),
        ("relation", summary["note"]),
    ]  # fmt: skip


def _environment(summary: dict[str, Any]) -> Facts:
    return [
        ("device", f"{summary['device']}, {summary['dtype']}"),
        ("threads", summary["threads"]),
        ("processes", summary["processes"]),
        ("system", f"{platform.system()} {platform.release()}, {platform.machine()}"),
        *summary["versions"].items(),
    ]
