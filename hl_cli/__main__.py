"""python -m hl_cli, the same as hl-run."""

from hl_cli.cli import main

if __name__ == "__main__":
    main()
