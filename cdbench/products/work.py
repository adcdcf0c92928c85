"""Counts of the work that a product does, and the time that it is expected to take."""

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import Self


@dataclass(frozen=True)
class Work:
    """What a pass forward or backward does.

    Attributes
    ----------
    calls : float
        Calls of NumPy with the Python around them; an effective number, chosen by what fits.
    products : float
        Matrix products that NumPy's calls pass on to BLAS.
    multiplications : float
        Real ones, in these.
    moved : float
        Numbers that these read and write.
    gathered : float
        Numbers that are picked or placed by index, or copied in short runs.
    """

    calls: float = 0.0
    products: float = 0.0
    multiplications: float = 0.0
    moved: float = 0.0
    gathered: float = 0.0

    def __add__(self, other: Self) -> "Work":
        """Return both together."""
        return Work(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    def seconds(self, dtype: str) -> float:
        """Return the time that one thread is expected to take."""
        return float(sum(a * b for a, b in zip(astuple(self), SECONDS[dtype], strict=True)))


SECONDS: Mapping[str, tuple[float, ...]] = {
    "float32": (1.1e-6, 3.1e-8, 1.49e-11, 7.4e-11, 1.13e-9),
    "float64": (1.1e-6, 1.1e-8, 3.34e-11, 1.32e-10, 1.40e-9),
}
"""Seconds for one of each of Work's counts.

Fitted, with least squares of relative errors in which outliers weigh less, to the times of all
products at 324 sizes on one server processor with AVX-512. There the product that they pick takes
1 % longer than the best on average. ``benchmarks/planner.py --fit`` fits them to another machine,
with plain least squares. Only their ratios matter.
"""


def matrix_product(m: float, k: float, n: float, times: float = 1) -> Work:
    """Return the work of an (m, k) by (k, n) product, without the call."""
    return Work(
        products=times,
        multiplications=times * m * k * n,
        moved=times * (m * k + k * n + m * n),
    )
