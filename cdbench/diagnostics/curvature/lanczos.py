"""Extreme eigenvalues and density of a symmetric operator that is too large to build.

One long Lanczos run finds the ends of the spectrum and every eigenvector that it can resolve.
Random probes sample the complement of those vectors: a short run from each probe is a Gauss
quadrature of the density (stochastic Lanczos quadrature; Ghorbani et al. 2019). The resolved
vectors are removed first, as in Papyan (2018, arXiv 1811.07062), because most of a network's trace
is in a few outliers: after training, this reduces the trace's error about tenfold.

Every run is fully reorthogonalised. ARPACK (``eigsh``) restarts instead. At the Hessian's lower
end, which is close to a dense bulk, it had not converged after four times as many products.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh_tridiagonal
from scipy.sparse.linalg import LinearOperator

from cdbench.diagnostics.curvature.base import Eigenvalues
from cdbench.engine.products.base import Array

LONG_STEPS = 80
"""Steps of the long run: the paper's trained networks need as many for the Hessian's lower end,
which is then accurate to 1e-6 of the largest eigenvalue."""

PROBES, PROBE_STEPS = 6, 16
"""Probes, and steps of each. With the long run: 176 products, one second at the paper's sizes."""

CONVERGED = 1e-7
"""Residual, relative to the largest magnitude, up to which a Ritz vector is an eigenvector."""


@dataclass(frozen=True)
class Ritz:
    """What one Lanczos run of m steps finds out about an operator.

    Attributes
    ----------
    values : (m,) float64
        Ritz values, from the smallest.
    weights : (m,) float64
        The start vector's share in each; the sum is 1.
    vectors : (m, P) float64
        Ritz vectors, one per row.
    residuals : (m,) float64
        ‖A u − value · u‖ of each vector u.
    """

    values: Array
    weights: Array
    vectors: Array
    residuals: Array


def lanczos(
    operator: LinearOperator, start: Array, steps: int, known: Array, scale: float = 0.0
) -> Ritz:
    """Run Lanczos orthogonally to known eigenvectors.

    Parameters
    ----------
    operator : LinearOperator
        Symmetric, (P, P).
    start : (P,) float64
        Start vector, orthogonal to ``known``.
    steps : int
        Maximum number of steps; fewer are done if the Krylov space is exhausted earlier.
    known : (k, P) float64
        Orthonormal eigenvectors, one per row.
    scale : float
        Magnitude of the operator, as far as known. What is at its rounding level counts as zero,
        even where the known vectors leave nothing else.

    Returns
    -------
    Ritz
        Result for the operator on the complement of the known vectors.
    """
    k, P = known.shape
    basis = np.concatenate([known, np.empty((min(steps, P - k), P))])
    alpha, beta = [], []
    v = start
    for m in range(k, len(basis)):
        # Orthogonalised again after normalisation: in a short v, the rounding errors of the
        # components removed before are large.
        v = v / np.linalg.norm(v)
        v = v - (basis[:m] @ v) @ basis[:m]
        basis[m] = v / np.linalg.norm(v)
        v = operator.matvec(basis[m])
        scale = max(scale, float(np.linalg.norm(v)))
        alpha.append(basis[m] @ v)
        for _ in range(2):  # twice is enough for orthogonality to rounding (Parlett 1998)
            v = v - (basis[: m + 1] @ v) @ basis[: m + 1]
        beta.append(np.linalg.norm(v))
        if beta[-1] <= P * np.finfo(np.float64).eps * scale:
            break
    values, S = eigh_tridiagonal(alpha, beta[:-1])
    return Ritz(values, S[0] ** 2, S.T @ basis[k : k + len(alpha)], beta[-1] * np.abs(S[-1]))


def lanczos_spectrum(operator: LinearOperator, seed: int, null: Array) -> Eigenvalues:
    """Estimate a symmetric operator's spectrum.

    Parameters
    ----------
    operator : LinearOperator
        Symmetric, (P, P).
    seed : int
        Seed of the random vectors, which are the same for every operator of this size.
    null : (k, P) float64, k < P
        Orthonormal vectors expected to be null vectors; used only if they are.

    Returns
    -------
    Eigenvalues
        Its ends are the extreme Ritz values, which lie within the spectrum.
    """
    P = operator.shape[0]
    rng = np.random.default_rng(seed)
    known = null if _vanishes(operator, null, rng) else null[:0]
    long = lanczos(operator, _probe(rng, known), LONG_STEPS, known)
    resolved = long.residuals <= CONVERGED * np.abs(long.values).max()
    values = np.concatenate([np.zeros(len(known)), long.values[resolved]])
    known = np.concatenate([known, long.vectors[resolved]])
    rest = P - len(known)
    probes = [_probe(rng, known) for _ in range(PROBES if rest else 0)]
    scale = float(np.abs(long.values).max())
    runs = [lanczos(operator, probe, PROBE_STEPS, known, scale) for probe in probes]
    nodes = np.concatenate([values, *(run.values for run in runs)])
    shares = [run.weights * (rest / P / PROBES) for run in runs]
    seen = np.concatenate([nodes, long.values])
    return Eigenvalues(
        nodes,
        np.concatenate([np.full(len(values), 1 / P), *shares]),
        largest=float(seen.max()),
        smallest=float(seen.min()),
        size=P,
        trace_error=_trace_error(runs, rest),
    )


def _trace_error(runs: list[Ritz], rest: int) -> float:
    """Return the standard error of the trace from the runs of probes in ``rest`` dimensions.

    One probe's estimate has the variance 2 (tr A² − (tr A)² / rest), or a little less
    (Hutchinson 1989). With these traces estimated from a few probes, that is a far better estimate
    of the error than the probes' scatter.
    """
    if not runs:
        return 0.0
    first, second = (
        rest * np.mean([run.weights @ run.values**power for run in runs]) for power in (1, 2)
    )
    return float(np.sqrt(2 * max(second - first**2 / rest, 0.0) / len(runs)))


def _vanishes(operator: LinearOperator, null: Array, rng: np.random.Generator) -> bool:
    """Whether the operator maps every row of ``null`` to zero, within rounding."""
    P = operator.shape[0]
    typical = np.linalg.norm(operator.matvec(rng.choice([-1.0, 1.0], P))) / np.sqrt(P)
    level = P * np.finfo(np.float64).eps * typical
    return all(np.linalg.norm(operator.matvec(u)) <= level for u in null)


def _probe(rng: np.random.Generator, known: Array) -> Array:
    """Draw a Rademacher vector and return its part orthogonal to the rows of ``known``."""
    while True:
        v: Array = rng.choice([-1.0, 1.0], known.shape[1])
        for _ in range(2):
            v = v - (known @ v) @ known
        if np.linalg.norm(v) > 1e-6:  # otherwise it was a combination of the rows
            return v
