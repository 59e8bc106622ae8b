"""The frame of the help: usage, examples, flags; the choices and fields are put in by help.py."""

from __future__ import annotations

HELP = """\
hl-run: Hamiltonian Learning and torch.optim.SGD, side by side, from the same weights on the same samples.

Usage: hl-run [choice=option ...] [field=value ...] [flags]

Choices and their options. Fields of an option are set as stream.ticks=8; hl-run stream=series --help lists them.

{choices}

Fields:
{values}

Examples:
  hl-run                                                   an MLP on the 8x8 digits
  hl-run model=lstm stream=digits_rows split=state         an LSTM over 8 rows, the whole net as state net
  hl-run stream=series stream.path=F.csv stream.target=y   the next value of a column, online
  hl-run scenario=gd_a tau=0.1 expect=round_off            exit 3 if the verdict is worse than round-off
  hl-run scenario=custom scenario.beta=0.02 scenario.eta=0.3 scenario.phi=0.7
  hl-run -m scenario=gd_a,gd_b,mom_a,mom_b split=output,state,state_output
  hl-run -m 'scenario=glob(gd*)' 'seed=range(0,5)'         all options of a name, all numbers of a range
  hl-run resume=DIR                                        go on with a run that was stopped, killed, or had no room
  hl-run resume=DIR steps=20000                            the same, or one that has finished, up to more steps
  hl-run 'arm=[hl,pytorch,adam]' arms.adam.lr=0.01         any number of learners on one stream
{tasks}
  hl-run study DIR                                         tables with error bars of a sweep over seeds
  hl-run report DIR                                        pictures and pages of a run or a sweep with report=light
  hl-run compare DIR1 DIR2                                 are two runs equal? exit 3 if not
  hl-run board DIR                                         TensorBoard on a sweep, runs named by what was swept
  hl-run ls outputs                                        a table of runs and sweeps: verdict, scores, size, when

Flags: -m sweeps, --cfg job prints the config, --version; --hydra-help and --info are Hydra's.
Completion: eval "$(hl-run -sc install=bash)" for this shell; zsh and fish too.
A value with =, a comma, or letters beyond ASCII is quoted for the shell and for Hydra: 'stream.path="a=b.csv"'.
pytorch.lr=... and the like of before still set the arm pytorch; write arms.pytorch.lr=...
hydra.run.dir=DIR names the folder of a run. HYDRA_FULL_ERROR=1 shows a traceback instead of one line.
"""
