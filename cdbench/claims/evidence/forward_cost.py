"""Time and count of operations of the forward products, for the claim on cost."""

import math
import time
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from cdbench.engine.products import PRODUCTS
from cdbench.engine.products.base import ROWS
from cdbench.engine.products.layout import to_vertices

DENSE = "dense"
BATCH = 64
"""Samples in a product, as in the recipe's mini-batch."""
REPETITIONS = 15
LEAST_S = 1e-3
"""A repetition runs a product again until it has taken about so long: clocks are coarse."""


def forward_times(n: int, blocks: Sequence[int]) -> dict[str, list[float]]:
    """Return the seconds of a forward product, by case, in interleaved repetitions.

    The cases are ``dense``, ``x @ W``, and every product at every block size, such as
    ``gather B=4``, on activations in its own layout. Interleaved, because the speed of a machine
    drifts.
    """
    calls = _calls(n, blocks)
    repeats = {}
    for name, call in calls.items():
        call()  # the first call also makes room
        repeats[name] = max(1, round(LEAST_S / _seconds(call, 1)))
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(REPETITIONS):
        for name, call in calls.items():
            seconds[name].append(_seconds(call, repeats[name]))
    return seconds


def _calls(n: int, blocks: Sequence[int]) -> dict[str, Callable[[], object]]:
    rng = np.random.default_rng(n)
    x, W = rng.standard_normal((BATCH, n)), rng.standard_normal((n, n))
    calls: dict[str, Callable[[], object]] = {DENSE: partial(np.matmul, x, W, out=np.empty_like(x))}
    for B in blocks:
        K = n // B
        c = rng.standard_normal((B, K, K)).transpose(2, 1, 0)
        for name, product in PRODUCTS.items():
            own_x = x if product.layout == ROWS else np.ascontiguousarray(to_vertices(x, B))
            calls[f"{name} B={B}"] = product(K, K, B).bind(c, own_x).run
    return calls


def _seconds(call: Callable[[], object], repeats: int) -> float:
    began = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - began) / repeats


def claimed_share(B: int) -> float:
    """Return the share of dense's n² that Sec. III.1 claims, log2 B / B, its constant being 1."""
    return math.log2(B) / B


def multiplications(product: str, n: int, B: int) -> float:
    """Return the real multiplications a sample of an n × n product in a batch of 64.

    What is done once a batch, such as transforming the generators, counts in parts.
    """
    return PRODUCTS[product].forward_work(BATCH, n // B, n // B, B).multiplications / BATCH
