"""Benchmark: how long one layer takes with dense and with each product, as plain values."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from cdbench.records.run import Environment

DENSE = "dense"
"""What the products compete with: an ordinary matrix product."""


@dataclass(frozen=True, order=True)
class Size:
    """A square layer and its batch.

    Attributes
    ----------
    dtype : str
        "float64" or "float32".
    B : int
        Block size, a divisor of n.
    N : int
        Samples in the batch.
    n : int
        Width of the input and of the output.
    """

    dtype: str
    B: int
    N: int
    n: int

    def __str__(self) -> str:
        return f"n = {self.n:,}, B = {self.B:,}, N = {self.N:,}, {self.dtype}"


@dataclass(frozen=True)
class Timing:
    """Time of a forward and backward pass of one layer, over rounds in which rivals take turns.

    Attributes
    ----------
    size : Size
        Size of the layer.
    product : str
        A key of ``cdbench.engine.products.PRODUCTS``, or DENSE.
    seconds, seconds_low, seconds_high : float
        Time of one pass: median and quartiles over the rounds.
    speedup, speedup_low, speedup_high : float or None
        Time of dense divided by this time in the same round, median and quartiles over the rounds:
        above 1, this is faster than dense. None if dense was left out.
    rounds : int
        Number of rounds.
    is_planned : bool
        Whether ``product = auto`` stands for this product at this size.
    """

    size: Size
    product: str
    seconds: float
    seconds_low: float
    seconds_high: float
    speedup: float | None
    speedup_low: float | None
    speedup_high: float | None
    rounds: int
    is_planned: bool

    @property
    def beats_dense(self) -> bool:
        """Whether it is faster than dense in at least three quarters of the rounds."""
        return self.product != DENSE and self.speedup_low is not None and self.speedup_low > 1


@dataclass(frozen=True)
class Benchmark:
    """One call of ``cdbench bench`` and everything that it measured."""

    uuid: str
    environment: Environment
    started_at: datetime
    duration_s: float
    timings: tuple[Timing, ...]


def by_size(timings: Iterable[Timing]) -> dict[Size, dict[str, Timing]]:
    """Return the timings by size, in order of size, and then by product."""
    found: dict[Size, dict[str, Timing]] = {}
    for timing in sorted(timings, key=lambda timing: timing.size):
        found.setdefault(timing.size, {})[timing.product] = timing
    return found


def fastest(timings: Iterable[Timing]) -> Timing:
    """Return the timing with the smallest median."""
    return min(timings, key=lambda timing: timing.seconds)


def crossover(rows: Iterable[dict[str, Timing]]) -> int | None:
    """Return the smallest width from which on some product beats dense at every width.

    Parameters
    ----------
    rows : iterable of dict
        Timings by product, one dict per width, smallest first; those without dense are ignored.

    Returns
    -------
    int or None
        None if no product beats dense at the largest width.
    """
    width = None
    for row in rows:
        if DENSE in row:
            ahead = any(timing.beats_dense for timing in row.values())
            width = (width or row[DENSE].size.n) if ahead else None
    return width
