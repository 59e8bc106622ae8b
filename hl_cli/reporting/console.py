"""What a run prints: what is compared, a progress bar, and the result."""

from __future__ import annotations

import math
import os
import shlex
import sys
from pathlib import Path
from typing import Any

from hl_cli.reporting.own_units import own_units
from hl_cli.reporting.palette import FEW

LARGE = 1e5  # from here on a score is written with its power of ten


def say(text: str) -> None:
    """Print at once; a reader that has gone away, as `head` does, ends no run."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def opening(about: dict[str, Any]) -> str:
    """What is compared, before the first step."""
    s, width = about["stream"], max(9, *map(len, about["labels"].values()))
    ticks = f"{s['ticks']} ticks of {s['features']} features" if s["ticks"] > 1 else f"{s['features']} features"
    asked = f"{s['size']} {s['kind'] if s['size'] > 1 else 'value'}{' at every tick' * (s['targets'] == 'all')}"
    given = "samples without end" if s["train_samples"] is None else f"{s['train_samples']} training"
    chance = "" if s["chance"] is None else f", chance {s['chance']:.2f}"
    return "\n".join(
        [
            _against(about),
            f"  stream    {s['name']}: {ticks}, {asked}, {given} and {s['held_out_samples']} held-out samples{chance}",
            f"  origin    {s['origin']}",
            f"  model     {about['model']}: {about['weights']} weights, {about['loss'].replace('_', ' ')} loss, "
            f"{about['dtype']} on {about['device']}, threads {about['threads']}",
            *(f"  {label:<{width}} {_numbers(about['arm_notes'][name])}" for name, label in about["labels"].items()),
            *([f"  steps     {about['steering']}"] if about["steering"] else []),
            f"  note      {about['note']}",
        ]
    )


def _against(about: dict[str, Any]) -> str:
    """Who is compared with whom."""
    kinds = [of["kind"] for of in about["arm_notes"].values()]
    if kinds == ["hamiltonian", "stock"]:
        hl = f"HL ({about['split']} split, {about['scheme']} scheme, {about['integrator']})"
        return f"{hl} against {about['baseline'].partition(',')[0]}: same weights, same samples"
    labels = list(about["labels"].values())
    if len(labels) == 1:
        return f"{labels[0]} alone"
    held_to = about["labels"][about["reference"]]
    return f"{len(labels)} arms on the same samples, each against {held_to}: {', '.join(labels)}"


def _numbers(of: dict[str, Any]) -> str:
    """What an arm is, with its numbers."""
    c = of["coefficients"]
    if not c:
        return str(of["described"])
    first = f" (phi {c['phi_first']:g} at the first step)" if c["phi_first"] != c["phi"] else ""
    return f"tau {c['tau']:g}, beta {c['beta']:g}, eta {c['eta']:g}, phi {c['phi']:g}{first}"


def _cell(value: float | None, form: str) -> str:
    if value is None or not math.isfinite(value):
        return "-"
    return format(value, form if abs(value) < LARGE else ".3g")


def table(summary: dict[str, Any]) -> list[list[str]]:
    """Header and one row an arm, as text; used by the console and by the report."""
    shown = summary["metrics"]
    labels = [metric.replace("_", " ") for metric in shown]
    over = {"": "", "held_out_": "held-out "} | ({"cumulative_": "all steps: "} if many(summary) else {})
    rows = [["", "loss", *(f"{words}{label}" for words in over.values() for label in labels), "steps/s"]]
    for name, label in summary["labels"].items():
        of = summary[name]
        scores = [_cell(of[f"{key}{metric}"], ".3f") for key in over for metric in shown]
        rows.append([label, _cell(of["final_loss"], ".4g"), *scores, _cell(of["steps_per_second"], ",.0f")])
    sizes = ["weights", *(f"{summary[name].get('weights', 0):,}" for name in summary["labels"])]
    if len({*sizes[1:]}) > 1:  # nets of different sizes
        rows = [[first, size, *rest] for (first, *rest), size in zip(rows, sizes, strict=True)]
    return rows


def retention(summary: dict[str, Any]) -> list[str]:
    """How much of its tasks each learner has kept, a line each; nothing for a stream without tasks."""
    return [
        f"{label}, mean over {of['tasks_met']} of {len(summary['tasks'])} tasks: "
        f"held-out {summary['main']} when just learnt {_cell(of['plasticity'], '.3f')}, "
        f"at the end {_cell(of['final'], '.3f')}; forgetting {_cell(of['forgetting'], '.3f')} (all but the last task)"
        if of["tasks_met"]
        else f"{label}: no task that is scored was learnt yet"
        for name, label in summary["labels"].items()
        if "plasticity" in (of := summary[name])
    ]


def remark(summary: dict[str, Any]) -> str:
    """What a verdict does not say: a learner may equal the other and yet be no use, or be no net any more."""
    labels = summary["labels"]
    away = [
        f"the weights of {labels[name]} ran away though every number is finite: {of['tensor']} grew {of['times']:.3g} "
        f"times (step {of['step']}); try a smaller learning rate"
        for name, of in summary["runaway"].items()
    ]
    away += [
        f"the run was resumed after step {one['step']} with {', '.join(one['with'])}"
        for one in summary["resumed"]
        if one["with"]
    ]
    below = [label for name, label in labels.items() if (summary[name].get("held_out_skill") or 0.0) < 0]
    if below:
        away += [
            f"held-out skill of {' and '.join(below)} is below 0: repeating the last value does better; "
            "try more steps, or a smaller learning rate"
        ]
    return "; ".join(away)


def many(summary: dict[str, Any]) -> bool:
    """Whether there are so many arms that a sentence about all of them is hard to read."""
    return len(summary["arms"]) > FEW


def cumulative(summary: dict[str, Any]) -> str:
    """The scores over all steps, test-then-train, learner by learner; nothing of many, which have columns for them."""
    if many(summary):
        return ""
    arms = summary["labels"].items()
    return "; ".join(
        f"{metric.replace('_', ' ')} "
        + ", ".join(f"{_cell(summary[name][f'cumulative_{metric}'], '.3f')} ({label})" for name, label in arms)
        for metric in summary["metrics"]
    )


def drift(summary: dict[str, Any]) -> str:
    """How well rebuilt states met those that were kept, for a run that rebuilds them."""
    anchors = f"an anchor every {summary['anchor_every']} ticks" if summary["anchor_every"] else "no anchors"
    return f"largest drift of a state   {_cell(summary['drift'], '.3g')} (checkpointing=reverse, {anchors})"


def closing(summary: dict[str, Any], folder: Path) -> str:
    """The table, the verdict, and where to look."""
    rows = table(summary)
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    lines = [
        "  ".join([f"  {row[0]:<{widths[0]}}", *(f"{cell:>{w}}" for cell, w in zip(row[1:], widths[1:], strict=True))])
        for row in rows
    ]
    kept, largest = retention(summary), summary["max_abs_weight_difference"]
    board = shlex.quote(str(folder / "tensorboard"))
    judged = [name for name in summary["arms"] if "verdict" in summary[name]]
    stopped = f", stopped by {summary['interrupted']}" if summary["interrupted"] else ""
    return "\n".join(
        [
            "",
            *lines,
            "",
            *(f"  {said}" for said in kept),
            *([""] if kept else []),
            f"  steps {summary['steps']}{stopped}; loss and scores are of the last {summary['window']}",
            *([f"  ended early                {said}"] if (said := summary["ended_early"]) else []),
            *([f"  over all steps             {said}"] if (said := cumulative(summary)) else []),
            *([f"  in the data's units        {said}"] if (said := own_units(summary)) else []),
            *([f"  largest weight difference  {_cell(largest, '.3g')}"] if len(judged) == 1 else []),
            *([] if summary["drift"] is None else [f"  {drift(summary)}"]),
            *_verdicts(summary, judged),
            *([f"  remark                     {said}"] if (said := remark(summary)) else []),
            f"  folder                     {folder}",
            *([f"  go on                      hl-run resume={shlex.quote(str(folder))}"] if stopped else []),
            *([] if summary["report"] == "none" else [f"  curves                     tensorboard --logdir {board}"]),
        ]
    )


def _verdicts(summary: dict[str, Any], judged: list[str]) -> list[str]:
    """The verdict of each arm; with its name where there are several."""
    if len(judged) == 1:
        return [f"  verdict                    {summary['verdict']}: {summary['reason']}"]
    lines = [f"  verdicts against {summary['labels'][summary['reference']]}"]
    for name in judged:
        of, apart = summary[name], summary[name]["max_abs_weight_difference"]
        gap = "" if apart is None else f", largest weight difference {_cell(apart, '.3g')}"
        lines.append(f"    {summary['labels'][name]:<24} {of['verdict']}: {of['reason']}{gap}")
    return lines


def short(folder: Path) -> Path:
    """A folder as a person would type it."""
    here = Path.cwd()
    return folder.relative_to(here) if folder.is_relative_to(here) else folder
