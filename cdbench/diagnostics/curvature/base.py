"""A symmetric matrix's spectrum as weighted points, and the numbers derived from it."""

from dataclasses import dataclass

import numpy as np

from cdbench.engine.products.base import Array
from cdbench.records.spectra import Curvature

DAMPING = 1e-3
"""d of the damped κ. The paper names no value; this is the default of KFAC-PyTorch's optimiser."""


@dataclass(frozen=True)
class Eigenvalues:
    """A spectrum, exact or estimated.

    Attributes
    ----------
    nodes : (n,) float64
        Eigenvalues, or Ritz values that represent those around them; in any order.
    weights : (n,) float64
        Share of the spectrum at each node; the sum is 1.
    largest, smallest : float
        Extreme eigenvalues.
    size : int
        Number of eigenvalues.
    trace_error : float
        Standard error of the trace.
    """

    nodes: Array
    weights: Array
    largest: float
    smallest: float
    size: int
    trace_error: float = 0.0

    def total(self, values: Array) -> float:
        """Return the sum over all eigenvalues of a function with these values at the nodes."""
        return float(self.size * (self.weights @ values))

    def curvature(
        self,
        *,
        matrix: str,
        coordinates: str,
        epoch: int,
        sample: str,
        n_samples: int,
        method: str,
    ) -> Curvature:
        """Return the spectrum with everything derived from it; see Curvature."""
        magnitudes = np.abs(self.nodes)
        scale = max(abs(self.largest), abs(self.smallest))
        # The rule of numpy.linalg.matrix_rank.
        threshold = self.size * float(np.finfo(np.float64).eps) * scale
        nonnull = magnitudes[magnitudes > threshold]
        kappa_nonnull = float(nonnull.max() / nonnull.min()) if nonnull.size else np.inf
        damped = self.smallest + DAMPING
        order = np.argsort(self.nodes)[::-1]
        return Curvature(
            matrix=matrix,
            coordinates=coordinates,
            epoch=epoch,
            sample=sample,
            n_samples=n_samples,
            method=method,
            size=self.size,
            rank=nonnull.size if method == "exact" else None,
            threshold=threshold,
            largest=self.largest,
            smallest=self.smallest,
            kappa=self.largest / self.smallest if self.smallest > threshold else np.inf,
            kappa_nonnull=kappa_nonnull if method == "exact" else None,
            trace=self.total(self.nodes),
            trace_error=self.trace_error,
            # At least 1 by definition, but an estimate may fall below.
            effective_rank=max(1.0, self.total(magnitudes) / scale) if scale else 0.0,
            damping=DAMPING,
            damped_kappa=(self.largest + DAMPING) / damped if damped > 0 else np.inf,
            nodes=tuple(self.nodes[order].tolist()),
            weights=tuple(self.weights[order].tolist()),
        )
