"""hl-run: help and version at once, everything else through Hydra. Imports nothing heavy, so that help is quick."""

from __future__ import annotations

import importlib
import io
import os
import re
import sys
from contextlib import redirect_stdout

from hl_cli import __version__
from hl_cli.errors import BadInput
from hl_cli.runs.signals import exit_at_once, exit_on_ctrl_c

COMMANDS = {
    "board": "hl_cli.sweeps.board",
    "compare": "hl_cli.reporting.two_runs",
    "ls": "hl_cli.reporting.listing",
    "report": "hl_cli.sweeps.report",
    "study": "hl_cli.sweeps.joined",
}


def main() -> None:
    """The entry point of hl-run."""
    traceback = os.environ.get("HYDRA_FULL_ERROR", "0") not in ("", "0")  # before Hydra is told to hand its errors on
    try:
        _main()
    except BadInput as error:  # of another package's options, which are read before anything else
        if traceback:
            raise
        print(f"hl-run: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:  # before a run has begun, or the second one
        exit_on_ctrl_c()
        print("hl-run: broken off by Ctrl-C", file=sys.stderr)
        exit_at_once(130)


def _main() -> None:
    arguments = sys.argv[1:]
    if any(flag in arguments for flag in ("--help", "-h")):
        from hl_cli.cli.help import help_text

        print(help_text(arguments), end="")
        return
    if "--version" in arguments:
        print(f"hl-run {__version__}")
        return
    if arguments and arguments[0] in COMMANDS:
        sys.exit(importlib.import_module(COMMANDS[arguments[0]]).main(arguments[1:]))
    from hl_cli.cli.app import start

    if not any(word.startswith("query=") for word in arguments):
        start()
    said = io.StringIO()
    try:
        with redirect_stdout(said):
            start()
    finally:  # what a shell is to offer: the types of the configs are no choice of a user's
        print(re.sub(r"(?<!\S)[+~]*schema\S*\s?", "", said.getvalue()), end="")
