"""engine=compiled: a step as fused kernels by one of PyTorch, one a call and in bursts, and how that grows."""

from __future__ import annotations

from collections.abc import Callable

from bench_forward import bare_truncated, choice
from ratios import bare_pytorch, build, compare

from hl_cli.build import Comparison
from hl_cli.compare.bursts import taken
from hl_cli.engine.driver import driver

AT_ONCE = 200  # samples
NETS = (
    ("mlp", ("model=mlp", "stream=digits", "scenario.lr=1e-9"), bare_pytorch, 0.04, 0.02),
    ("lstm", ("model=lstm", "stream=digits_rows", "checkpointing=store", "scenario.lr=1e-9"), bare_pytorch, 0.04, 0.03),
    ("rnn, scheme.carry=false", (*choice("rnn"), "scheme.carry=false"), bare_truncated, 0.05, 0.03),
    ("rnn, costates carried", choice("rnn"), bare_truncated, 0.05, 0.04),
    ("rnn, eligibility", (*choice("rnn"), "credit=eligibility"), bare_truncated, 0.1, 0.08),
    *(
        (f"{model}, eligibility", (*choice(model), "credit=eligibility"), bare_truncated, 0.05, 0.04)
        for model in ("trace_units", "elementwise_lstm", "min_gru", "diagonal")
    ),
)
SIZES = ((16, 1), (16, 32), (64, 1), (64, 32), (256, 1), (256, 32), (1024, 1), (1024, 32))


def _rows(name: str, built: Comparison, bare: Callable[[], object], one: float | None, burst: float) -> None:
    samples = [next(built.stream) for _ in range(AT_ONCE)]

    def ours() -> None:
        for _ in taken(built.hl, samples, False, lambda: []):
            pass

    def theirs() -> None:
        for _ in range(AT_ONCE):
            bare()

    ours()
    assert any(kind.fused for kind in built.hl.kinds.values())
    if one is not None:
        compare(f"{name}, one a call", one, lambda: built.hl.step(samples[0]), bare)
    compare(f"{name}, {AT_ONCE} at once", burst, ours, theirs, each=AT_ONCE)


def compiled() -> None:
    if not driver():
        print("engine=compiled: not measured, there is no C++ compiler")
        return
    print(
        "\nOne step of engine=compiled by PyTorch (forward, backward, torch.optim.SGD.step); batch 1, weights not kept"
    )
    for name, of, bare, one, burst in NETS:
        built = build(*of, "engine=compiled")
        _rows(name, built, bare(built), one, burst)


def growth() -> None:
    print(f"\nGrowth of engine=compiled, an MLP of one hidden layer, {AT_ONCE} steps at once by PyTorch")
    for width, batch in SIZES:
        of = ("model=mlp", f"model.hidden=[{width}]", "stream=digits", f"batch_size={batch}", "scenario.lr=1e-9")
        built = build(*of, "engine=compiled")
        _rows(f"width {width}, batch {batch}", built, bare_pytorch(built), None, 1.5)
