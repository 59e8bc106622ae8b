"""engine=replay: a step without Python, by what a user of PyTorch writes, and by the same step run eagerly."""

from __future__ import annotations

from functools import partial

from ratios import bare_pytorch, build, compare

NETS = {
    "mlp": ("stream=digits", 0.35, 0.65),
    "cnn": ("stream=digits", 0.75, 0.85),
    "rnn": ("stream=digits_rows", 0.4, 0.6),
    "lstm": ("stream=digits_rows", 0.5, 0.65),
}


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
