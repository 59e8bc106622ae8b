"""engine=compiled by the same steps in JAX, where that is installed (extra `bench`): one a call, and many in a scan.

As its users write it: value_and_grad and the step of SGD under jit, float32, on one thread. Before any time is taken
its losses are held to ours.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from bench_forward import choice
from ratios import build, compare

from hl_cli.build import Comparison
from hl_cli.compare.bursts import taken
from hl_cli.streams.samples import Samples
from hl_cli.types import LearnerRecords

AT_ONCE = 1000  # steps
CLOSE = 1e-5  # of losses: float32, and sums in another order
RATE = 1e-9
Step = Callable[..., Any]  # of (weights, carried, (inputs, target)), to ((weights, carried), loss)


def losses(built: Comparison, samples: Samples) -> np.ndarray:
    """Of our steps."""
    said = (record for record, _ in taken(built.hl, samples, False, lambda: []))
    return np.concatenate([one.losses if isinstance(one, LearnerRecords) else [one.loss] for one in said])


def array(value: Any) -> np.ndarray:
    return np.asarray(value.detach().numpy())


def rnn(built: Comparison) -> tuple[Step, Any, Any]:
    """A tick of truncated BPTT(1): the state of the tick before is given. With the weights, and a state at rest."""
    from jax import numpy as jnp
    from jax import value_and_grad

    def loss(weights: Any, h: Any, x: Any, target: Any) -> tuple[Any, Any]:
        u, a, w, b, head, c = weights
        h = jnp.tanh(u @ x + a + w @ h + b)
        return jnp.mean((head @ h + c - target) ** 2), h

    def step(weights: Any, h: Any, sample: Any) -> tuple[Any, Any]:
        (value, h), slopes = value_and_grad(loss, has_aux=True)(weights, h, *sample)
        return ([w - RATE * g for w, g in zip(weights, slopes, strict=True)], h), value

    module: Any = built.hl.split.module
    cell = module.cells[0]
    of = (cell.weight_ih, cell.bias_ih, cell.weight_hh, cell.bias_hh, module.head.weight, module.head.bias)
    return step, [jnp.array(array(one)) for one in of], jnp.zeros(len(cell.bias_hh))


def lstm(built: Comparison) -> tuple[Step, Any, Any]:
    """A sample of several rows: BPTT over all of them. With the weights; nothing is carried."""
    from jax import numpy as jnp
    from jax import value_and_grad
    from jax.nn import log_softmax, sigmoid

    def loss(weights: Any, rows: Any, target: Any) -> Any:
        u, a, w, b, head, d = weights
        h = c = jnp.zeros(w.shape[1])
        for row in rows:
            i, f, g, o = jnp.split(u @ row + a + w @ h + b, 4)
            c = sigmoid(f) * c + sigmoid(i) * jnp.tanh(g)
            h = sigmoid(o) * jnp.tanh(c)
        return -log_softmax(head @ h + d)[target]

    def step(weights: Any, carried: Any, sample: Any) -> tuple[Any, Any]:
        value, slopes = value_and_grad(loss)(weights, *sample)
        return ([w - RATE * g for w, g in zip(weights, slopes, strict=True)], carried), value

    module: Any = built.hl.split.module
    cell = module.cells[0]
    of = (cell.weight_ih, cell.bias_ih, cell.weight_hh, cell.bias_hh, module.head.weight, module.head.bias)
    return step, [jnp.array(array(one)) for one in of], jnp.zeros(())


ROWS = (
    ("rnn, truncated BPTT(1)", (*choice("rnn"), "scheme.carry=false"), rnn),
    ("lstm", ("model=lstm", "stream=digits_rows", "checkpointing=store", f"scenario.lr={RATE}"), lstm),
)
ONE, BURST = 0.25, 1.1


def by_jax() -> None:
    if importlib.util.find_spec("jax") is None:
        print("\nengine=compiled by JAX: not measured, jax is not installed (extra bench)")
        return
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    import jax

    print(f"\nOne step of engine=compiled by JAX {jax.__version__}, jit one a call, and lax.scan; batch 1")
    for name, of, net in ROWS:
        built = build(*of, "engine=compiled")
        step, weights, carried = net(built)
        given = [next(built.stream) for _ in range(AT_ONCE)]
        samples = Samples(
            *(torch.stack(parts) for parts in zip(*((one.inputs, one.target) for one in given), strict=True))
        )
        inputs = array(samples.inputs)[:, 0]
        seen = jax.numpy.array(inputs if net is lstm else inputs[:, 0]), jax.numpy.array(array(samples.target)[:, 0])
        one = jax.jit(step)
        many = jax.jit(lambda start, seen, step=step: jax.lax.scan(lambda on, each: step(*on, each), start, seen))
        apart = np.abs(np.asarray(many((weights, carried), seen)[1]) - losses(built, samples)).max()
        if not apart < CLOSE:
            raise SystemExit(f"bench: the steps in JAX are not those of {name}: losses {apart:.1g} apart")
        first = seen[0][0], seen[1][0]
        state = (weights, carried)

        def call(one: Step = one, first: Any = first) -> float:
            nonlocal state
            state, value = one(*state, first)
            return float(value)

        def scan(many: Step = many, seen: Any = seen) -> object:
            nonlocal state
            state, values = many(state, seen)
            return np.asarray(values)

        compare(f"{name}, one a call by jit", ONE, partial(built.hl.step, samples[0]), call)
        compare(f"{name}, {AT_ONCE} at once by scan", BURST, partial(losses, built, samples), scan, each=AT_ONCE)
