"""Time and count of operations of the forward products, for the claim on cost."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from cdbench.products import PRODUCTS

DENSE = "dense"
BATCH = 64
"""Samples in a product, as in the recipe's mini-batch."""
REPETITIONS = 15
LEAST_S = 1e-3
"""A repetition runs a product again until it has taken about so long: clocks are coarse."""


def forward_times(n: int, blocks: Sequence[int]) -> dict[str, list[float]]:
    """Return the seconds of a forward product, by case, in interleaved repetitions.

    The cases are ``dense``, ``x @ W.T``, and every product at every block size, such as
    ``gather B=4``. Interleaved, because the speed of a machine drifts.
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
    calls: dict[str, Callable[[], object]] = {DENSE: partial(np.matmul, x, W.T)}
    for B in blocks:
        K = n // B
        c = rng.standard_normal((K, K, B))
        for name, product in PRODUCTS.items():
            calls[f"{name} B={B}"] = partial(product(K, K, B).apply, c, x)
    return calls


def _seconds(call: Callable[[], object], repeats: int) -> float:
    began = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - began) / repeats


def claimed_share(B: int) -> float:
    """Return the share of dense's n² that Sec. III.1 claims, log2 B / B, its constant being 1."""
    return math.log2(B) / B


def _gather(n: int, B: int) -> float:
    """Return n²: the product is dense's; W is gathered without multiplying."""
    del B
    return n**2


def _polygon(n: int, B: int) -> float:
    """Return the frequencies' products, and three transforms by B × B matrices.

    Input and output are transformed once a sample, 2 n B; the generators once a batch, n².
    """
    return _frequency_products(n, B) + 2 * n * B + n**2 / BATCH


def _fft(n: int, B: int) -> float:
    """Return the frequencies' products, and transforms at B log2 B each.

    Of input and output n / B blocks each are transformed, of the generators (n / B)² a batch.
    """
    transforms = 2 * n / B + (n / B) ** 2 / BATCH
    return _frequency_products(n, B) + transforms * B * math.log2(B)


def _frequency_products(n: int, B: int) -> float:
    """Return (n / B)² multiplications for a real frequency, four times as many for a complex."""
    n_real = 1 + (B % 2 == 0)
    n_complex = (B - n_real) // 2
    return (n_real + 4 * n_complex) * (n / B) ** 2


MULTIPLICATIONS: Mapping[str, Callable[[int, int], float]] = {
    "gather": _gather,
    "polygon": _polygon,
    "fft": _fft,
}
"""Real multiplications a sample of an n × n product in a batch of 64, by the product's name."""
