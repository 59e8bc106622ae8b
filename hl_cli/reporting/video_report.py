"""The sections of the report of task=video."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hl_cli.reporting.sections import Section
from hl_cli.reporting.video_tables import table
from hl_cli.video.study import Result
from hl_cli.video.summary import Summary

READ = (
    "Medians [quartiles] over the replicates of the squared error of pixels by their variance: 1 is the error of the "
    "mean frame. within: the frames that training had; beyond: those after them; backward: those before the first, by "
    "steps of -h, which training never had; half, double speed: steps of h/2 and 2h. there and back: distance from the "
    "start after all steps ahead and as many back, by the spread of starts. energy wander: of the learnt H along a "
    "rollout, by its spread between videos; energy rank: rank correlation of the learnt and the true energy. -: cannot."
)
BUYS = (
    "It buys rollouts back in time and at other speeds, and an energy that is conserved. It buys neither a smaller "
    "error of the frames of training nor a better forecast than that of a residual net: where the table shows one, it "
    "is of this scene and these settings."
)
PICTURES = {
    "film": ("Film strip", "The first video of the first replicate, not a chosen one. The decoder sees q alone."),
    "errors": ("Error by frame", "A line a replicate. Back in time goes to the left from frame 0."),
    "speeds": ("Half and double speed", "The same video and the same start; the step alone is another."),
    "energy": (
        "Learnt energy",
        "The learnt H has a unit and a zero of its own. Its leapfrog conserves it; that it has the order of the true "
        "energy is learnt.",
    ),
    "phase": ("Phase portrait", "All of (q, p) lies in more dimensions than this plane."),
    "samples": (
        "Sampled videos",
        "Codes from the prior, which no video gave. Where the divergence has a small weight, a sample may be no video.",
    ),
    "training": ("Training", "Every arm has the same videos in the same order."),
}


def sections(folder: Path, results: Sequence[Result], summaries: Sequence[Summary]) -> list[Section]:
    """The parts of both pages; a picture that is not there is left out."""
    rows = table(results, summaries)
    about = [["", "arm", "what it is"], *([of.arm.label, of.arm.name, of.arm.words] for of in results)]
    found = [
        Section("result", "Result", READ, table=rows, numbers=len(rows[0]) - 1),
        Section("structure", "What Hamiltonian structure buys", BUYS),
    ]
    for name, (title, words) in PICTURES.items():
        if (folder / f"{name}.png").exists():
            found.append(Section(name, title, words, pictures=[(folder / f"{name}.png", title.lower())]))
    words = "One encoder and decoder, drawn alike, around different motions."
    return [*found, Section("arms", "Arms", words, table=about)]
