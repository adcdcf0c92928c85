"""Benchmark: how long one layer takes by dense and by each product, as plain values."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from cdbench.run import Environment

DENSE = "dense"
"""The rival of the products: an ordinary matrix product."""


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
    """Forward plus backward pass of one layer of one size, over rounds that alternate the rivals.

    Attributes
    ----------
    size : Size
        Of the layer.
    product : str
        A key of ``cdbench.products.PRODUCTS``, or DENSE.
    seconds, seconds_low, seconds_high : float
        Of one pass: median and quartiles of the rounds.
    speedup, speedup_low, speedup_high : float or None
        Dense's time over this one's in the same round, median and quartiles of the rounds: above
        1 it is faster than dense. None where dense was left out.
    rounds : int
        How many.
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
        """Whether it is faster than dense in three of four rounds."""
        return self.product != DENSE and self.speedup_low is not None and self.speedup_low > 1


@dataclass(frozen=True)
class Benchmark:
    """One call of ``cdbench bench`` with everything that it measured."""

    uuid: str
    environment: Environment
    started_at: datetime
    duration_s: float
    timings: tuple[Timing, ...]


def by_size(timings: Iterable[Timing]) -> dict[Size, dict[str, Timing]]:
    """Return the timings by size, the sizes in order, and there by product."""
    found: dict[Size, dict[str, Timing]] = {}
    for timing in sorted(timings, key=lambda timing: timing.size):
        found.setdefault(timing.size, {})[timing.product] = timing
    return found


def fastest(timings: Iterable[Timing]) -> Timing:
    """Return the timing with the least median."""
    return min(timings, key=lambda timing: timing.seconds)


def crossover(rows: Iterable[dict[str, Timing]]) -> int | None:
    """Return from which width on, at every greater one too, some product beats dense.

    Parameters
    ----------
    rows : iterable of dict
        Timings by product, one dict a width, from the smallest; those without dense do not count.

    Returns
    -------
    int or None
        None where none does at the greatest width.
    """
    width = None
    for row in rows:
        if DENSE in row:
            ahead = any(timing.beats_dense for timing in row.values())
            width = (width or row[DENSE].size.n) if ahead else None
    return width
