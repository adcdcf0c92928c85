"""Extreme eigenvalues and density of a symmetric operator too large to be built.

One long Lanczos run finds the ends of the spectrum and all eigenvectors it can resolve. What is
left, orthogonal to those, is met by random probes: a short run from each is a Gauss quadrature of
the density (stochastic Lanczos quadrature; Golub and Welsch 1969, Ghorbani et al. 2019). Taking
the resolved vectors out first, as Papyan (2020) does, leaves the probes little variance, for a
network's trace sits in a few outliers. Every run is fully reorthogonalised: ARPACK's restarts
need several times as many products for the lower end, which is close to a dense bulk.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh_tridiagonal
from scipy.sparse.linalg import LinearOperator

from cdbench.products.base import Array

LONG_STEPS = 80
"""Steps of the long run: with fewer the Hessian's lower end is not yet there after training."""

PROBES, PROBE_STEPS = 4, 25
"""Short runs and their steps: with the long run 180 products, a second or so at paper size."""

CONVERGED = 1e-7
"""Residual, against the largest magnitude, at which a Ritz pair counts as an eigenpair."""


@dataclass(frozen=True)
class Ritz:
    """What one Lanczos run knows of a matrix.

    Attributes
    ----------
    values : (m,) float64
        Ritz values, from the smallest.
    weights : (m,) float64
        Gauss quadrature weights of the start vector's spectral measure; their sum is 1.
    residuals : (m,) float64
        ‖A u − value · u‖ of each Ritz vector u.
    vectors : (m, P) float64
        The Ritz vectors, one a row.
    """

    values: Array
    weights: Array
    residuals: Array
    vectors: Array


def lanczos(operator: LinearOperator, start: Array, steps: int, known: Array) -> Ritz:
    """Run Lanczos with full reorthogonalisation in the complement of an invariant subspace.

    Parameters
    ----------
    operator : LinearOperator
        Symmetric, (P, P).
    start : (P,) float64
        Start vector, not in the span of ``known``.
    steps : int
        Most steps to take; fewer are taken where the Krylov space ends before.
    known : (k, P) float64
        Orthonormal eigenvectors to stay orthogonal to, one a row.

    Returns
    -------
    Ritz
        Of the operator restricted to the complement.
    """
    k = len(known)
    steps = min(steps, start.size - k)
    basis = np.concatenate([known, np.empty((steps, start.size))])
    alpha, beta = np.zeros(steps), np.zeros(steps)
    v = start
    for i in range(steps):
        q = basis[k + i] = v / np.linalg.norm(v)
        v = operator.matvec(q)
        alpha[i] = q @ v
        for _ in range(2):  # twice is enough (Parlett 1998, Sec. 6.9)
            v = v - (basis[: k + i + 1] @ v) @ basis[: k + i + 1]
        beta[i] = np.linalg.norm(v)
        if beta[i] <= start.size * np.finfo(np.float64).eps * np.abs(alpha).max():
            break
    m = i + 1
    values, S = eigh_tridiagonal(alpha[:m], beta[: m - 1])
    return Ritz(values, S[0] ** 2, np.abs(beta[m - 1] * S[-1]), S.T @ basis[k : k + m])
