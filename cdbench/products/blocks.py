"""Small matrices applied along the first axis of large arrays."""

import numpy as np

from cdbench.products.base import Array
from cdbench.products.work import Work, matrix_product

COLUMNS = 256
"""Columns to multiply at a time, about: such a piece stays in the inner caches, and the BLAS may
have a short way for products so small."""
LARGEST_IN_PIECES = 32
"""Matrices wider than this fill the BLAS's own blocks, and pieces would only cost calls."""


def transform(matrix: Array, x: Array, out: Array) -> Array:
    """Write ``matrix`` (..., m, k) times ``x`` (..., k, K, N) into ``out`` (..., m, K, N).

    The (K, N) columns are independent. They are taken in pieces of some whole rows of N, as one
    stack of products that NumPy goes through: up to three times as fast as one flat product where
    k is small, because BLAS copies its operands before it multiplies.

    Returns
    -------
    out : (..., m, K, N) float
    """
    if not out.flags.c_contiguous:
        out[...] = transform(matrix, x, np.empty(out.shape, out.dtype))
        return out
    *stack, k, K, N = x.shape
    n_pieces = _n_pieces(k, K, N)
    width = K * N // n_pieces
    np.matmul(
        matrix[..., None, :, :],
        x.reshape(*stack, k, n_pieces, width).swapaxes(-3, -2),
        out=out.reshape(*stack, matrix.shape[-2], n_pieces, width).swapaxes(-3, -2),
    )
    return out


def transform_work(m: int, k: int, K: int, N: int, times: int = 1) -> Work:
    """Return the work of (m, k) matrices on (k, K, N) arrays, so many in a stack."""
    n_pieces = _n_pieces(k, K, N)
    return matrix_product(m, k, K * N / n_pieces, times * n_pieces)


def _n_pieces(k: int, K: int, N: int) -> int:
    if k > LARGEST_IN_PIECES:
        return 1
    n_pieces = K
    while n_pieces % 2 == 0 and K // n_pieces * N * 2 <= COLUMNS:
        n_pieces //= 2
    return n_pieces
