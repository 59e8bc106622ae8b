"""engine=replay: a step without Python, by what a user of PyTorch writes, and by the same step run eagerly."""

from __future__ import annotations

from functools import partial

from bench_forward import bare_truncated, choice
from ratios import bare_pytorch, build, compare

NETS = {
    "mlp": ("stream=digits", 0.35, 0.65),
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
