"""engine=replay: a step without Python, by what a user of PyTorch writes, and by the same step run eagerly."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from bench_forward import bare_truncated, choice
from ratios import bare_pytorch, build, compare

from hl_cli.build import Comparison
from hl_cli.compare.bursts import taken
from hl_cli.engine.driver import driver

NETS = {
    "mlp": ("stream=digits", 0.4, 0.65),
    "cnn": ("stream=digits", 0.75, 0.85),
    "rnn": ("stream=digits_rows", 0.4, 0.6),
    "lstm": ("stream=digits_rows", 0.5, 0.65),
}

TICKS = (
    ("rnn", "credit=costate", "scenario=gd_b", 0.7, 0.9),
    ("rnn", "credit=eligibility", "scenario=gd_b", 0.7, 0.8),
    ("gru", "credit=eligibility", "scenario=adam", 0.7, 0.8),
    ("trace_units", "credit=eligibility", "scenario=gd_b", 0.7, 0.8),
    ("trace_units", "credit=eligibility", "scenario=adam", 0.7, 0.8),
)


def ticks() -> None:
    print("\nOne tick online, HL without Python by PyTorch's truncated BPTT over one tick, and by eager HL; 64 units")
    for model, credit, scenario, of_pytorch, of_eager in TICKS:
        of = (*choice(model), credit, scenario, "scenario.lr=1e-9")
        built, eager = build(*of, "engine=replay"), build(*of)
        sample = next(built.stream)
        for _ in range(8):
            built.hl.step(sample)
        assert built.hl.replayed
        step, name = partial(built.hl.step, sample), f"{model} {credit.partition('=')[2]} {scenario.partition('=')[2]}"
        compare(f"{name}, PyTorch", of_pytorch, step, bare_truncated(built))
        compare(f"{name}, eager", of_eager, step, partial(eager.hl.step, sample))


BURSTS = (
    ("model=mlp", "stream=digits", 0.1),
    ("model=lstm", "stream=digits_rows", 0.5),
)
AT_ONCE = 200  # samples


def in_bursts(built: Comparison, bare: Callable[[], object], name: str, limit: float) -> None:
    """A step of a burst by one of PyTorch; the weights after each step are kept, as a run of two arms keeps them."""
    samples = [next(built.stream) for _ in range(AT_ONCE)]
    live = [w.view(-1) for w in built.hl.weights().values()]

    def ours() -> None:
        for _ in taken(built.hl, samples, False, lambda: live):
            pass

    def theirs() -> None:
        for _ in range(AT_ONCE):
            bare()

    ours()
    compare(name, limit, ours, theirs, each=AT_ONCE)


def bursts() -> None:
    if not driver():
        print("bursts: not measured, there is no C++ compiler")
        return
    print(f"\nOne step of {AT_ONCE} at once, HL by PyTorch; batch 1, with the weights after each step kept")
    for model, stream, limit in BURSTS:
        built = build(model, stream, "engine=replay", "checkpointing=store", "scenario.lr=1e-9")
        in_bursts(built, bare_pytorch(built), f"{model.partition('=')[2]}, PyTorch", limit)
    for model in ("rnn", "diagonal"):
        built = build(*choice(model), "credit=eligibility", "engine=replay")
        in_bursts(built, bare_truncated(built), f"{model} eligibility, PyTorch", 0.3)


def replay() -> None:
    print("\nOne step, HL without Python by PyTorch (forward, backward, torch.optim.SGD.step), and by HL with Python")
    for model, (stream, of_pytorch, of_eager) in NETS.items():
        for batch in (1, 32):
            choice = (f"model={model}", stream, f"batch_size={batch}", "checkpointing=store")
            built, eager = build(*choice, "engine=replay"), build(*choice)
            sample = next(built.stream)
            for _ in range(5):
                built.hl.step(sample)
            assert built.hl.replayed
            step = partial(built.hl.step, sample)
            compare(f"{model} batch {batch}, PyTorch", of_pytorch, step, bare_pytorch(built))
            compare(f"{model} batch {batch}, eager", of_eager, step, partial(eager.hl.step, sample))
    ticks()
    bursts()
