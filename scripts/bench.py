"""Speed as ratios: absolute times drift from machine to machine and from minute to minute.

Every row alternates its two sides in short rounds inside one process and prints the median of the rounds' ratios.
A row over its limit is marked, and the exit code is then 1.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from functools import partial
from time import perf_counter

import torch
from bench_compiled import compiled, growth
from bench_endless import endless
from bench_forward import forward
from bench_jax import by_jax
from bench_loop import loop
from bench_optimizer import optimizers
from bench_pipeline import pipeline
from bench_pullback import pullback
from bench_replay import replay
from bench_school import school
from bench_sequences import sequences
from bench_streams import memory, streams
from bench_sweep import sweeps
from ratios import ROUNDS, bare_pytorch, build, compare, over, show

from hl_cli import config
from hl_cli.dynamics.equivalence import SGD, Coefficients, physics_of
from hl_cli.dynamics.rules import semi_implicit_euler
from hl_cli.dynamics.weights import FlatWeights


def steps() -> None:
    print("\nOne step, HL by PyTorch (forward, backward, torch.optim.SGD.step), same split and data, one thread")
    for model, splits in (
        ("linear", ("output", "state")),
        ("mlp", ("output", "state", "state_output")),
        ("cnn", ("output", "state", "state_output")),
        ("rnn", ("output", "state", "state_output")),
        ("gru", ("output", "state", "state_output")),
        ("lstm", ("output", "state", "state_output")),
    ):
        recurrent = model in ("rnn", "gru", "lstm")
        for split in splits:
            for batch in (1, 32):
                for keep in ("recompute", "store") if recurrent and split != "output" else ("recompute",):
                    stream = "digits_rows" if recurrent else "digits"
                    built = build(
                        f"model={model}",
                        f"split={split}",
                        f"batch_size={batch}",
                        f"checkpointing={keep}",
                        f"stream={stream}",
                    )
                    sample = next(built.stream)
                    limit = 0.75 if model == "mlp" and batch == 1 else 1.0
                    if recurrent and split != "output" and keep == "recompute":
                        limit = 1.6
                    name = f"{model} {split} batch {batch}" + (f" {keep}" if recurrent and split != "output" else "")
                    compare(name, limit, partial(built.hl.step, sample), bare_pytorch(built))


def updates() -> None:
    print("\nThe weight update alone, HL by torch.optim.SGD(foreach=True), from the same gradients")
    for count, tensors, limit in ((1_000, 6, 0.5), (1_000, 200, 0.5), (100_000, 6, 0.5), (10_000_000, 6, 1.0)):
        for sgd in (SGD(lr=1e-4), SGD(lr=1e-4, momentum=0.9)):
            parameters = [torch.nn.Parameter(torch.randn(count // tensors)) for _ in range(tensors)]
            own = [torch.nn.Parameter(p.detach().clone()) for p in parameters]
            drive = [torch.randn_like(p) for p in parameters]
            for p, g in zip(parameters, drive, strict=True):
                p.grad = g
            optimizer = torch.optim.SGD(parameters, foreach=True, **vars(sgd))
            weights, physics = FlatWeights(own), physics_of(sgd)

            for p, g in zip(own, drive, strict=True):
                weights.drive.add(p, g)

            def ours(w: FlatWeights = weights, c: Coefficients = physics) -> None:
                with torch.no_grad():
                    semi_implicit_euler.step(w, c, 1.0, c.phi_first, lambda omega: None)

            kind = "momentum" if sgd.momentum else "plain GD"
            compare(f"{count:.0e} weights, {tensors} tensors, {kind}", limit, ours, optimizer.step)


def start() -> None:
    print("\nStart-up, seconds")
    took = []
    for _ in range(5):
        begin = perf_counter()
        subprocess.run([sys.executable, "-m", "hl_cli", "--help"], check=True, stdout=subprocess.DEVNULL)
        took.append(perf_counter() - begin)
    show("hl-run --help", statistics.median(took), 0.6, "")


def memories() -> None:
    memory()
    sequences()


ROWS = {
    "step": steps,
    "replay": replay,
    "compiled": compiled,
    "growth": growth,
    "jax": by_jax,
    "update": updates,
    "optimizer": optimizers,
    "loop": loop,
    "pullback": pullback,
    "pipeline": pipeline,
    "forward": forward,
    "school": school,
    "endless": endless,
    "stream": streams,
    "memory": memories,
    "sweep": sweeps,
    "start": start,
}


def main() -> None:
    wanted = sys.argv[1:] or list(ROWS)
    unknown = [name for name in wanted if name not in ROWS]
    if unknown:
        sys.exit(f"bench: {', '.join(unknown)}: allowed: {', '.join(ROWS)}")
    config.register()
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, one thread; medians of {ROUNDS} interleaved rounds")
    for name in wanted:
        ROWS[name]()
    if over:
        sys.exit(f"\nover the limit: {'; '.join(over)}")


if __name__ == "__main__":
    main()
