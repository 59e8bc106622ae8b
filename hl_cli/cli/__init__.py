"""The command line: hl-run. Importing it imports nothing heavy, so that help is quick."""

from hl_cli.cli.entry import main

__all__ = ["main"]
