"""Attacks on hl-run, a kind each: what must never happen ends the soak with exit code 1 and a line that says it.

Runs are children of this process, forked once all is imported, so that a trial costs no start-up.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import signal
import sys

import torch
from soak_cases import CASES
from soak_fault import Fault

TRIALS = {"kills": 50, "damage": 300, "endings": 200, "ranks": 20}
"""How many trials of each kind, where nothing is said; the kind is the module soak_KIND."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kind", choices=TRIALS, default="kills", help="of attack: the first lines of soak_KIND.py")
    parser.add_argument("--trials", "--kills", type=int, help=f"how many; {TRIALS} where nothing is said")
    parser.add_argument("--seed", type=int, default=0, help="of the trials")
    parser.add_argument("cases", nargs="*", choices=[[], *CASES], help="configs of --kind kills; all if none is named")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))  # so that what a kind has made goes
    trials = TRIALS[asked.kind] if asked.trials is None else asked.trials
    soak = importlib.import_module(f"soak_{asked.kind}").soak
    gc.freeze()  # what is loaded here stays shared with the children: theirs cost a third
    try:
        soak(trials, asked.seed, asked.cases)
    except Fault as fault:
        sys.exit(f"soak: {fault}")


if __name__ == "__main__":
    main()
