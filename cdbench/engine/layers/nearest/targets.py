"""What a nearest member is looked for of: a matrix, and how much its inputs matter."""

from typing import NamedTuple

import numpy as np

from cdbench.engine.layers.base import Layer
from cdbench.engine.products.base import Array
from cdbench.errors import ShapeError


class Target(NamedTuple):
    """A matrix, the leading part of a layer's, whose other entries may be anything.

    Attributes
    ----------
    W : (a, c) float64
    moment : (c, c) float64 or None
        M of the distance tr((W − Ŵ) M (W − Ŵ)ᵀ), of a mean diagonal of 1; None for the identity.
    """

    W: Array
    moment: Array | None

    def padded(self, n_out: int, n_in: int) -> Array:
        """Return W with zeros below and to its right, (n_out, n_in)."""
        return zero_padded(self.W, n_out, n_in)

    def weighted(self, residual: Array) -> Array:
        """Return ``residual @ M``, (…, c)."""
        product: Array = residual if self.moment is None else residual @ self.moment
        return product


def zero_padded(matrix: Array, n_rows: int, n_columns: int) -> Array:
    """Return a matrix with zeros below and to its right, (n_rows, n_columns)."""
    whole = np.zeros((n_rows, n_columns), matrix.dtype)
    whole[: matrix.shape[0], : matrix.shape[1]] = matrix
    return whole


def checked_target(layer: Layer, matrix: Array, moment: Array | None = None) -> Target:
    """Return the target of a layer, in float64.

    Raises
    ------
    ShapeError
        If the matrix is larger than the layer's, the moment is not that of its inputs, or not all
        of their entries are finite.
    """
    W, name = np.asarray(matrix, np.float64), type(layer).__name__
    if W.ndim != 2 or not 0 < W.shape[0] <= layer.n_out or not 0 < W.shape[1] <= layer.n_in:
        raise ShapeError(
            f"{name} got a matrix of shape {W.shape}, expected at most "
            f"({layer.n_out}, {layer.n_in})"
        )
    if not np.isfinite(W).all():
        raise ShapeError(f"{name} got a matrix with nan or inf, expected finite entries")
    if moment is None:
        return Target(W, None)
    M, c = np.asarray(moment, np.float64), W.shape[1]
    if M.shape != (c, c) or not np.isfinite(M).all():
        raise ShapeError(
            f"{name} got a moment of shape {M.shape} for {c} inputs, expected ({c}, {c}) and "
            "finite entries, as x.T @ x / len(x) gives"
        )
    size = np.trace(M) / c
    if not size > 0:
        raise ShapeError(
            f"{name} got a moment whose diagonal adds up to {np.trace(M):g}, expected more than 0"
        )
    return Target(W, (M + M.T) / (2 * size))


def semidefinite_solution(A: Array, b: Array) -> Array:
    """Return the shortest least-squares solution of A θ = b, A without negative eigenvalues."""
    values, vectors = np.linalg.eigh(A)
    kept = values > len(A) * np.finfo(A.dtype).eps * max(values[-1], 0.0)
    own = vectors[:, kept]
    solution: Array = own @ ((own.T @ b) / values[kept].reshape(-1, *[1] * (b.ndim - 1)))
    return solution


def truncated_svd(matrices: Array, rank: int) -> tuple[Array, Array]:
    """Return U (…, m, rank) and V (…, rank, n), as large as each other, of the nearest product.

    It is that of Eckart and Young (1936). Beyond the smaller side they are zero.
    """
    P, d, Q = np.linalg.svd(matrices, full_matrices=False)
    r, root = min(rank, d.shape[-1]), np.sqrt(d)
    U = np.zeros((*matrices.shape[:-1], rank))
    V = np.zeros((*matrices.shape[:-2], rank, matrices.shape[-1]))
    U[..., :r] = P[..., :r] * root[..., None, :r]
    V[..., :r, :] = root[..., :r, None] * Q[..., :r, :]
    return U, V
