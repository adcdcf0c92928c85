"""What the methods tell of a symmetric matrix's spectrum."""

from dataclasses import dataclass

from cdbench.products.base import Array


@dataclass(frozen=True)
class Eigenvalues:
    """A spectrum, or an estimate of it, as points with weights.

    Attributes
    ----------
    nodes : (n,) float64
        Eigenvalues, or Ritz values that stand for those around them; in any order.
    weights : (n,) float64
        Share of the spectrum at each node; the sum is 1.
    largest, smallest : float
        Extreme eigenvalues.
    size : int
        Number of eigenvalues.
    resolution : float
        Magnitude, against the largest, at or below which a node counts as zero.
    trace_error : float
        Standard error of ``trace``.
    """

    nodes: Array
    weights: Array
    largest: float
    smallest: float
    size: int
    resolution: float
    trace_error: float = 0.0

    def total(self, values: Array) -> float:
        """Return the sum over the spectrum of a function that has these values at the nodes."""
        return float(self.size * (self.weights @ values))

    @property
    def trace(self) -> float:
        """Sum of the eigenvalues."""
        return self.total(self.nodes)
