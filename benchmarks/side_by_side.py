"""Runs that differ in their seed only: side by side in a stack, or alone, by engine or by others.

The paper's experiment, 25 epochs on the digits, one thread. A stack trains eight networks in the
same calls of NumPy; its time is divided by eight. All take turns, and the engine's must come to the
same loss. JAX has a whole training under one jit, compiled before. Seconds are the processor's,
whose ratios repeat on a machine that others use too.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import cycle, pairwise
from typing import Any

import numpy as np

from cdbench.config.run_config import RunConfig
from cdbench.engine.products.base import Array
from cdbench.engine.stack import Member, Stack
from experiment import DTYPES, JAX, Task
from measure import (
    Bar,
    Call,
    Row,
    Spread,
    alternate,
    arguments,
    one_thread,
    print_footer,
    print_rows,
    rivals,
)

RUNS, ROUNDS = 8, 11
ALONE, TOGETHER, HAND = "alone", f"{RUNS} side by side, a run", "by hand, alone"
PRODUCTS = "its steps' matrix products"
BARS = {ALONE: Bar(1.25), JAX: Bar(1.0)}
"""How many times faster a run is to be than alone, and than JAX's."""


def together(tasks: Sequence[Task]) -> list[float]:
    """Train all side by side; return the last epoch's training losses."""
    stack = Stack()
    trainings = [
        stack.join(Member(one.network, one.parameters.copy(), one.split, one.config, ()))
        for one in tasks
    ]
    for _ in range(tasks[0].config.epochs):
        last = [next(training) for training in trainings]
    return [metrics.training_loss for metrics in last]


def products(tasks: Sequence[Task]) -> Call:
    """Return the matrix products of all steps of a stack of dense networks, and nothing else.

    Forward, of the weights' gradients, and but for the first layer of the inputs' gradients.
    """
    config, network = tasks[0].config, tasks[0].network
    rng, N = np.random.default_rng(0), config.batch_size
    n_steps = config.epochs * -(-len(tasks[0].split.y_train) // N)

    def draw(*shape: int) -> Array:
        return rng.standard_normal((len(tasks), *shape)).astype(config.dtype)

    layers = [
        (draw(N, n_in), draw(n_in, n_out), draw(N, n_out), draw(n_in, n_out), draw(N, n_in))
        for n_in, n_out in pairwise(network.widths)
    ]

    def run() -> None:
        for _ in range(n_steps):
            for number, (x, W, y, dW, dx) in enumerate(layers):
                np.matmul(x, W, out=y)
                np.matmul(x.mT, y, out=dW)
                if number:
                    np.matmul(y, W.mT, out=dx)

    return run


def compare(model: str, common: RunConfig, rounds: int, others: list[str]) -> None:
    """Let a stack, the engine and, for the dense network, its rivals take turns; print."""
    tasks = [Task(replace(common, seed=seed)) for seed in range(RUNS)]
    losses = together(tasks)
    if losses != [task.by_engine()[0] for task in tasks]:
        raise SystemExit(f"{model}: side by side the losses are others than alone")
    alone, by_hand, by_jax = cycle(tasks), cycle(tasks), cycle(tasks)
    found: dict[str, Any] = {
        ALONE: lambda: next(alone).by_engine(),
        TOGETHER: lambda: together(tasks),
    }
    if common.layer == "dense":
        found[HAND] = lambda: next(by_hand).by_hand()
        found[PRODUCTS] = products(tasks)
    if common.layer == "dense" and "jax" in others:
        import with_jax

        compiled = with_jax.compile_training(*tasks[0].everything)
        found[JAX] = lambda: with_jax.train(compiled, *next(by_jax).everything)
    taken = alternate(found, rounds, least_s=0.0, clock=time.process_time)
    for name in {TOGETHER, PRODUCTS} & taken.keys():
        taken[name] = [seconds / RUNS for seconds in taken[name]]
    rows = [Row(TOGETHER, Spread.of(taken[TOGETHER]))]
    for name in (ALONE, HAND, PRODUCTS, JAX):
        if name in taken:
            ratio = Spread.of_ratios(taken[name], taken[TOGETHER])
            rows.append(Row(name, Spread.of(taken[name]), ratio, TOGETHER, BARS.get(name)))
    print_rows(f"{model}, {common.dtype}, {common.epochs} epochs", rows)


def main() -> None:
    """Measure and print."""
    asked = arguments(__doc__).parse_args()
    one_thread()
    others = rivals(asked)
    epochs, rounds = (2, 1) if asked.quick else (25, ROUNDS)
    for dtype in DTYPES:
        for model, knobs in (("dense", {"layer": "dense"}), ("B=4", {"B": 4})):
            compare(model, RunConfig(dtype=dtype, epochs=epochs, **knobs), rounds, others)
    print_footer(others)


if __name__ == "__main__":
    main()
