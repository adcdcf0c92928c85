"""The array of circulant blocks that is nearest to a matrix."""

import numpy as np

from cdbench.engine.layers.nearest.targets import Target, semidefinite_solution
from cdbench.engine.products.base import Array


def nearest_circulants(
    target: Target, K_o: int, K_i: int, B: int, basis: Array | None = None
) -> Array:
    """Return the weights θ (K_o, K_i, D) of the blocks whose first columns are ``basis @ θ``.

    W is linear in them, so that they are those of least squares. Without a moment each block has
    its own: the means along its (cyclic) diagonals, of the entries that act. With one, the normal
    equations of a row of blocks; among several solutions the one nearest to that without a moment.

    Parameters
    ----------
    target : Target
    K_o, K_i, B : int
        Rows and columns of blocks, and their size; blocks beyond the target are zero.
    basis : (B, D) float, optional
        By default the identity.
    """
    E = np.eye(B) if basis is None else basis
    (a, c), shape = target.W.shape, (K_o, B, K_i, B)
    acting = np.zeros(shape)
    acting.reshape(K_o * B, K_i * B)[:a, :c] = 1
    counts = _diagonal_sums(acting)
    sums = _diagonal_sums(target.padded(K_o * B, K_i * B).reshape(shape))
    theta = _of_diagonals(sums, counts, basis)
    if target.moment is None:
        return theta
    full = a // B
    for rows, r in ((slice(0, full), B), (slice(full, full + 1), a % B)):
        if r and rows.start < rows.stop:
            W = target.W[rows.start * B : rows.start * B + (rows.stop - rows.start) * r]
            start = theta[rows].reshape(len(theta[rows]), -1)
            A, b = _normal_equations(W.reshape(-1, r, c), target.moment, K_i, B, E)
            theta[rows] += semidefinite_solution(A, b - A @ start.T).T.reshape(theta[rows].shape)
    return theta


def _diagonal_sums(blocks: Array) -> Array:
    """Return the sums along the diagonals of blocks (K_o, B, K_i, B), as (K_o, K_i, B)."""
    B = blocks.shape[1]
    sums, lags = np.zeros((blocks.shape[0], blocks.shape[2], B)), np.arange(B)
    for k in range(B):
        sums += blocks[:, k][:, :, (k - lags) % B]
    return sums


def _of_diagonals(sums: Array, counts: Array, basis: Array | None) -> Array:
    """Return the weights, of the sums along diagonals of so many entries."""
    if basis is None:
        return sums / np.maximum(counts, 1)
    theta = np.zeros((*sums.shape[:2], basis.shape[1]))
    kinds, which = np.unique(counts.reshape(-1, counts.shape[2]), axis=0, return_inverse=True)
    for place, of_kind in enumerate(kinds):  # full blocks, those that are cut, and unused ones
        mine = which.reshape(sums.shape[:2]) == place
        b = basis.T @ sums[mine].T
        theta[mine] = semidefinite_solution((basis.T * of_kind) @ basis, b).T
    return theta


def _normal_equations(W: Array, M: Array, K_i: int, B: int, E: Array) -> tuple[Array, Array]:
    """Return A and b of A θ = b for rows of blocks W (rows, r, c), of r rows that act each.

    Row k of a row of blocks is a permutation of the K_i B entries of c, so that A sums
    permutations of M. The basis is the same for each of these K_i blocks.
    """
    n, c = K_i * B, len(M)
    A, b, column = np.zeros((n, n)), np.zeros((n, len(W))), np.arange(c)
    for k in range(W.shape[1]):
        place = column // B * B + (k - column) % B
        A[np.ix_(place, place)] += M
        b[place] += M @ W[:, k].T
    D = E.shape[1]
    half = np.einsum("ibm,bd->idm", A.reshape(K_i, B, n), E, optimize=True).reshape(K_i * D, n)
    whole = np.einsum("mib,bd->mid", half.reshape(-1, K_i, B), E, optimize=True)
    right = np.einsum("ibr,bd->idr", b.reshape(K_i, B, -1), E, optimize=True)
    return whole.reshape(K_i * D, K_i * D), right.reshape(K_i * D, -1)
