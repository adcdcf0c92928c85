"""Counts of the work that a product does, and the expected time."""

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import Self


@dataclass(frozen=True)
class Work:
    """The work of a forward or backward pass.

    Attributes
    ----------
    calls : float
        Calls of NumPy with the Python around them; an effective number, chosen to fit.
    products : float
        Matrix products that NumPy's calls pass on to BLAS.
    multiplications : float
        Real multiplications in these products.
    moved : float
        Numbers that these products read and write.
    gathered : float
        Numbers read or written by index, or copied in short runs.
    """

    calls: float = 0.0
    products: float = 0.0
    multiplications: float = 0.0
    moved: float = 0.0
    gathered: float = 0.0

    def __add__(self, other: Self) -> "Work":
        """Return the sum of both."""
        return Work(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    def seconds(self, dtype: str) -> float:
        """Return the expected time on one thread."""
        return float(sum(a * b for a, b in zip(astuple(self), SECONDS[dtype], strict=True)))


SECONDS: Mapping[str, tuple[float, ...]] = {
    "float32": (1.1e-6, 3.1e-8, 1.49e-11, 7.4e-11, 1.13e-9),
    "float64": (1.1e-6, 1.1e-8, 3.34e-11, 1.32e-10, 1.40e-9),
}
"""Seconds per unit of each of Work's counts.

Fitted to the times of all products at 324 sizes on a server processor with AVX-512, by least
squares of relative errors in which outliers weigh less. There the product that they pick takes 1 %
longer than the best, on average. ``benchmarks/planner.py --fit`` fits them to another machine, by
plain least squares. Only their ratios matter.
"""


def matrix_product(m: float, k: float, n: float, times: float = 1) -> Work:
    """Return the work of an (m, k) by (k, n) product, without the call."""
    return Work(
        products=times,
        multiplications=times * m * k * n,
        moved=times * (m * k + k * n + m * n),
    )
