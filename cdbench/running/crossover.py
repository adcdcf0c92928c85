"""Crossover: how long one layer takes with dense and with each product, and where which is best.

One pass goes forward and backward through a square layer: y, dL/dc and dL/dx. The rivals take
turns, so that a temporary slowdown of the machine affects all of them. Each gets its activations in
its own layout, as between the layers of a network.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import product
from math import lcm
from uuid import uuid4

import numpy as np
from threadpoolctl import threadpool_limits

from cdbench.config.checks import DTYPES
from cdbench.engine.products import PRODUCTS, plan
from cdbench.engine.products.base import ROWS
from cdbench.engine.products.workspace import Workspace
from cdbench.errors import ConfigurationError, UnknownNameError
from cdbench.records.benchmark import DENSE, Benchmark, Size, Timing
from cdbench.running.environment import current_environment
from cdbench.running.turns import Pass, take_turns
from cdbench.system.memory import format_bytes

RIVALS = (DENSE, *PRODUCTS)


def sizes(
    n: Sequence[int], B: Sequence[int], N: Sequence[int], dtypes: Sequence[str]
) -> list[Size]:
    """Return the sizes of all combinations, smallest first.

    Raises
    ------
    ConfigurationError
        If a value is invalid or given twice, or a block size does not divide a width.
    """
    for name, values, least in (("n", n, 1), ("B", B, 2), ("batch", N, 1)):
        for value in values:
            if value < least:
                why = "; a layer with B = 1 is the dense one" if (name, value) == ("B", 1) else ""
                raise ConfigurationError(f"{name} = {value}: expected at least {least}{why}")
    for name, given in (("n", n), ("B", B), ("batch", N), ("dtype", dtypes)):
        repeated = [value for i, value in enumerate(given) if value in given[:i]]
        if repeated:
            raise ConfigurationError(f"{name}: {repeated[0]} is given twice; expected each once")
    for dtype in dtypes:
        if dtype not in DTYPES:
            raise UnknownNameError("dtype", dtype, DTYPES)
    _check_divisible(n, B)
    return [
        Size(dtype, block, samples, width)
        for dtype in dtypes
        for block in sorted(B)
        for samples in sorted(N)
        for width in sorted(n)
    ]


def _check_divisible(n: Sequence[int], B: Sequence[int]) -> None:
    """Raise ConfigurationError, naming the nearest widths that every block size divides."""
    for width, block in product(n, B):
        if width % block:
            step = lcm(*B)
            below = width - width % step
            near = " or ".join(f"--n {other}" for other in (below, below + step) if other)
            raise ConfigurationError(
                f"n = {width} is not a multiple of B = {block}; expected {near}, or another --B"
            )


def bytes_needed(rival: str, size: Size) -> int:
    """Return roughly how many bytes of memory a pass takes, with everything it keeps."""
    real, activations = np.dtype(size.dtype).itemsize, size.N * size.n
    if rival == DENSE:
        return real * (2 * size.n**2 + 4 * activations)
    K = size.n // size.B
    own = PRODUCTS[rival].bytes_needed(size.N, K, K, size.B, real)
    return own + real * (2 * size.n**2 // size.B + 4 * activations)


def rivals_that_fit(size: Size, memory: int | None) -> tuple[str, ...]:
    """Return the rivals whose arrays together fit into memory, preferring those that need least.

    Parameters
    ----------
    size : Size
        Size of the layer.
    memory : int or None
        Available bytes; None if unknown, and then none is left out.

    Raises
    ------
    ConfigurationError
        If no product fits.
    """
    if memory is None:
        return RIVALS
    needs = sorted((bytes_needed(rival, size), rival) for rival in RIVALS)
    fitting = {
        rival for i, (_, rival) in enumerate(needs) if sum(n for n, _ in needs[: i + 1]) <= memory
    }
    if not fitting & PRODUCTS.keys():
        least = min(n for n, rival in needs if rival in PRODUCTS)
        raise ConfigurationError(
            f"{size}: needs {format_bytes(least)} of memory at least, {format_bytes(memory)} are "
            "available; expected a smaller --n or --batch, or a larger --B"
        )
    return tuple(rival for rival in RIVALS if rival in fitting)


def run_benchmark(
    rivals: Mapping[Size, Sequence[str]],
    rounds: int,
    blas_threads: int = 1,
    on_size: Callable[[Size], object] = lambda size: None,
) -> Benchmark:
    """Measure every size and return the timings.

    Parameters
    ----------
    rivals : mapping
        For each size, the rivals: keys of PRODUCTS, or DENSE.
    rounds : int
        How many turns each rival gets.
    blas_threads : int
        Threads of each matrix product.
    on_size : callable, optional
        Called with each size after it has been measured.
    """
    started_at, start = datetime.now(UTC), time.perf_counter()
    timings: list[Timing] = []
    with threadpool_limits(blas_threads, "blas"):
        environment = current_environment()
        for size, names in rivals.items():
            passes = {name: make_pass(name, size) for name in names}
            timings += summarize(size, take_turns(passes, rounds), planned_product(size))
            on_size(size)
    return Benchmark(
        uuid=str(uuid4()),
        environment=environment,
        started_at=started_at,
        duration_s=time.perf_counter() - start,
        timings=tuple(timings),
    )


def planned_product(size: Size) -> str:
    """Return what the planner picks for a network of just this layer."""
    return plan(size.N, (size.n, size.n), size.B, size.dtype)


def make_pass(rival: str, size: Size) -> Pass:
    """Return a call that makes one forward and backward pass of a rival, with its arrays."""
    rng = np.random.default_rng(0)
    N, n, B = size.N, size.n, size.B

    def draw(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape, np.dtype(size.dtype))

    if rival == DENSE:
        x, dy, W = draw(N, n), draw(N, n), draw(n, n)
        y, dx, dW = np.empty_like(x), np.empty_like(x), np.empty_like(W)

        def dense() -> None:
            np.matmul(x, W, out=y)
            np.matmul(dy, W.T, out=dx)
            np.matmul(x.T, dy, out=dW)

        return dense
    K = n // B
    circulant = PRODUCTS[rival](K, K, B)
    shape = (N, n) if circulant.layout == ROWS else (B, K, N)
    x, dy, lags = draw(*shape), draw(*shape), draw(B, K, K)
    c, dc = lags.transpose(2, 1, 0), np.empty_like(lags).transpose(2, 1, 0)
    _, run, pullback = circulant.bind(c, x, Workspace())

    def layer() -> None:
        run()
        pullback(dy, dc)

    return layer


def summarize(size: Size, seconds: Mapping[str, Sequence[float]], planned: str) -> Iterator[Timing]:
    """Yield each rival's timing from its seconds in every round.

    Parameters
    ----------
    size : Size
        Size of the layer.
    seconds : mapping
        Seconds of each rival, for the same number of rounds.
    planned : str
        The product that the planner picks.
    """
    dense = seconds.get(DENSE)
    for name, rounds in seconds.items():
        ratios = dense and [ours / theirs for ours, theirs in zip(dense, rounds, strict=True)]
        low, median, high = _quartiles(rounds)
        slow, usual, fast = _quartiles(ratios) if ratios else (None, None, None)
        yield Timing(size, name, median, low, high, usual, slow, fast, len(rounds), name == planned)


def _quartiles(values: Iterable[float]) -> tuple[float, float, float]:
    low, median, high = np.quantile(list(values), (0.25, 0.5, 0.75)).tolist()
    return low, median, high
