"""hl-run: help at once, everything else through Hydra. Imports nothing heavy, so that help is quick."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from importlib import resources
from textwrap import fill

HELP = """\
hl-run: Hamiltonian Learning and torch.optim.SGD, side by side, from the same weights on the same samples.

Usage: hl-run [choice=option ...] [value=number ...] [flags]

Choices, and below them their fields, set as choice.field=value (stream.ticks=8):
{choices}

Values:
{values}

Examples:
  hl-run                                                   an MLP on the 8x8 digits
  hl-run model=lstm stream=digits_rows split=state         an LSTM over 8 rows, the whole net as state net
  hl-run stream=series stream.path=F.csv stream.target=y   the next value of a column, online
  hl-run scenario=gd_a tau=0.1 expect=round_off            exit 3 if the verdict is worse than round-off
  hl-run scenario=custom scenario.beta=0.02 scenario.eta=0.3 scenario.phi=0.7
  hl-run -m scenario=gd_a,gd_b,mom_a,mom_b split=output,state,state_output
  hl-run resume=DIR                                        go on with a run that was stopped, killed, or had no room
  hl-run resume=DIR steps=20000                            the same, or one that has finished, up to more steps
  hl-run compare DIR1 DIR2                                 are two runs equal? exit 3 if not

hl-run stream=series --help shows the fields of one choice.
Flags: --cfg job prints the config, -m sweeps, --shell-completion and --hydra-help are Hydra's.
hydra.run.dir=DIR names the folder of a run. HYDRA_FULL_ERROR=1 shows a traceback instead of one line.
"""


def help_text(arguments: Sequence[str] = ()) -> str:
    """The options as they lie in configs/, the values as hl_cli.schema declares them.

    With stream=NAME or model=NAME among the arguments, the fields of that choice instead.
    """
    from hl_cli import validation

    for argument in arguments:
        group, _, option = argument.partition("=")
        if group in ("stream", "model") and (resources.files("hl_cli.configs") / group / f"{option}.yaml").is_file():
            return f"{argument}\n\n" + "\n".join(_fields(group, option)) + "\n"
    groups = []
    for group in ("stream", "model", "split", "scenario", "scheme", "integrator", "experiment", "debug"):
        folder = resources.files("hl_cli.configs") / group
        options = sorted(f.name.removesuffix(".yaml") for f in folder.iterdir() if f.name.endswith(".yaml"))
        groups.append(_entry(f"{group}=", ", ".join(options)))
        kinds = validation.GROUPS.get(group, [])
        for kind in kinds:
            own = [name for name in validation.fields_of(kind.__name__) if name != "name"]
            label = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind.__name__).lower() if len(kinds) > 1 else ""
            if own:
                groups.append(_entry(f"  {label}", ", ".join(own)))
    parts = [
        (f"{part}.{name}", *said)
        for part in ("pytorch", "sweep")
        for name, *said in validation.values(validation.kind_of(part))
    ]
    listed = [*validation.values(), *parts]
    values = [_entry(f"{name}={default}", meaning) for name, default, meaning in listed]
    return HELP.format(choices="\n".join(groups), values="\n".join(values))


def _fields(group: str, option: str) -> Iterator[str]:
    """The fields of one choice: what its file sets, and what it may be."""
    import yaml

    from hl_cli import validation

    values: dict[str, object] = {}
    kind, file = "", option
    while not kind:  # a file may begin with another one of its group
        said = yaml.safe_load((resources.files("hl_cli.configs") / group / f"{file}.yaml").read_text())
        values = {**said, **values}
        file = said["defaults"][0]
        kind = re.sub(r"^/schema/(\w+)@_here_$|.*", r"\1", file) if isinstance(file, str) else ""
    for name, default, meaning in validation.values(validation.kind_of(kind)):
        if name != "name":
            shown = values.get(name, default)
            yield _entry(f"{group}.{name}={'null' if shown is None else shown}", meaning, 34)


def _entry(name: str, text: str, width: int = 20) -> str:
    return fill(text, 110, initial_indent=f"  {name:<{width}} ", subsequent_indent=" " * (width + 3))


def main() -> None:
    """The entry point of hl-run."""
    if any(flag in sys.argv[1:] for flag in ("--help", "-h")):
        print(help_text(sys.argv[1:]), end="")
        return
    if sys.argv[1:2] == ["compare"]:
        from hl_cli.reporting.two_runs import main as compare

        sys.exit(compare(sys.argv[2:]))
    from hl_cli.app import start

    start()
