"""The Hydra configs; installed as hl_cli.configs."""
