"""Extreme eigenvalues and density of a symmetric operator too large to be built.

One long Lanczos run finds the ends of the spectrum, and with them every eigenvector that it can
resolve. What is left, orthogonal to those, is met by random probes: a short run from each is a
Gauss quadrature of the density (stochastic Lanczos quadrature; Ghorbani et al. 2019). Resolved
vectors are taken out first, as in Papyan (2018, arXiv 1811.07062), because most of a network's
trace sits in a few outliers: after training, the trace's error falls about tenfold.

Every run is fully reorthogonalised. ARPACK (``eigsh``) restarts instead, and at the Hessian's
lower end, which lies close to a dense bulk, it had not converged after four times the products.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh_tridiagonal
from scipy.sparse.linalg import LinearOperator

from cdbench.curvature.base import Eigenvalues
from cdbench.products.base import Array

LONG_STEPS = 80
"""Steps of the long run: the paper's trained networks need them for the Hessian's lower end, which
is then right to 1e-6 of the largest eigenvalue."""

PROBES, PROBE_STEPS = 6, 16
"""Probes and steps of each: with the long run 176 products, a second at the paper's sizes."""

CONVERGED = 1e-7
"""Residual, against the largest magnitude, at which a Ritz vector counts as an eigenvector."""


@dataclass(frozen=True)
class Ritz:
    """What one Lanczos run of m steps knows of an operator.

    Attributes
    ----------
    values : (m,) float64
        Ritz values, from the smallest.
    weights : (m,) float64
        The start vector's share in each; the sum is 1.
    vectors : (m, P) float64
        Ritz vectors, one a row.
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
        At most so many; fewer where the Krylov space ends before.
    known : (k, P) float64
        Orthonormal eigenvectors, one a row.
    scale : float
        Magnitude of the operator as far as it is known: what is at rounding level of it is zero,
        also where the known vectors leave nothing else.

    Returns
    -------
    Ritz
        Of the operator on the known vectors' complement.
    """
    k, P = known.shape
    basis = np.concatenate([known, np.empty((min(steps, P - k), P))])
    alpha, beta = [], []
    v = start
    for m in range(k, len(basis)):
        # Orthogonal once more at full length: a short v carries the rounding of what was taken out.
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
        Of the random vectors, the same for every operator of this size.
    null : (k, P) float64, k < P
        Orthonormal vectors that should be null vectors; they are used only if they are.

    Returns
    -------
    Eigenvalues
        Its ends are the most extreme Ritz values, which lie within the spectrum.
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
    """Return the standard error of the trace, from the probes' runs in ``rest`` dimensions.

    One probe's estimate has the variance 2 (tr A² − (tr A)² / rest), or a little less
    (Hutchinson 1989). A few probes tell these traces far better than their own scatter.
    """
    if not runs:
        return 0.0
    first, second = (
        rest * np.mean([run.weights @ run.values**power for run in runs]) for power in (1, 2)
    )
    return float(np.sqrt(2 * max(second - first**2 / rest, 0.0) / len(runs)))


def _vanishes(operator: LinearOperator, null: Array, rng: np.random.Generator) -> bool:
    """Whether the operator takes every row of ``null`` to zero, within rounding."""
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
        if np.linalg.norm(v) > 1e-6:  # else it was a combination of the rows
            return v
